-- Title:   Stars brighter by their parallax than by their spectrum by more than two equal stars can be
-- Reads:   catalog.ob_stars
SELECT star_id, ra, dec, gaia_id, mk, mk_err, mk_geo, mk_geo_err, mk - mk_geo AS mk_difference, ruwe, snr_g
FROM catalog.ob_stars
WHERE uniqflag = 1 AND mk - mk_geo > 0.753 + 3 * sqrt(mk_err ** 2 + mk_geo_err ** 2)
ORDER BY mk_difference DESC, star_id
;
