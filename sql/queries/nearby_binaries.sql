-- Title:   Binaries within 1 kpc, brightest in absolute magnitude first
-- Reads:   catalog.ob_stars
SELECT star_id, ra, dec, gaia_id, mk, mk_geo, mk - mk_geo AS mk_difference, snr_dparallax, dis, ruwe
FROM catalog.ob_stars
WHERE uniqflag = 1 AND binary_flag = 1 AND dis < 1
ORDER BY mk_geo, star_id
;
