-- Title:   The most luminous stars by their spectrum, with the parallax as a check
-- Reads:   catalog.ob_stars
SELECT star_id, gaia_id, mk, mk_err, mk_geo, mk_geo_err, teff, logg, ebv, dis, em_flag, snr_g
FROM catalog.ob_stars
WHERE uniqflag = 1 AND mk < -4 AND NOT has_bit(quality, 'erroneous') AND NOT has_bit(quality, 'out_of_domain')
ORDER BY mk, star_id
;
