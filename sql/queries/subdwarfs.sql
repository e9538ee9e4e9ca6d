-- Title:   Candidates for subdwarfs and white dwarfs: hot and faint by their parallax
-- Reads:   catalog.ob_stars
-- Paper:   section 5.2: the network does not know them
SELECT star_id, gaia_id, teff, logg, mk_geo, mk_geo_err, parallax, parallax_error, pmra, pmdec
FROM catalog.ob_stars
WHERE uniqflag = 1 AND mk_geo > 2 AND mk_geo_err < 0.3 AND teff > 15000
ORDER BY mk_geo DESC, star_id
;
