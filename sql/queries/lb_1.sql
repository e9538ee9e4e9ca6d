-- Title:   Every visit of LB-1, by position (within 3 arcsec): both absolute magnitudes and the velocity
-- Reads:   catalog.ob_stars
-- Paper:   Fig. 13
SELECT specid, uniqflag, snr_g, rv, rv_err, mk, mk_err, mk_geo, mk_geo_err, snr_dparallax, binary_flag, em_flag
FROM catalog.ob_stars
WHERE meta.separation_arcsec(ra, dec, 92.95450, 22.82575) < 3
ORDER BY uniqflag
;
