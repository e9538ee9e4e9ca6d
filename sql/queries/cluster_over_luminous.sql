-- Title:   Stars near a cluster (here h and chi Persei, 1 degree) that outshine their spectrum
SELECT star_id, separation, mk, mk_geo, mk - mk_geo AS mk_difference, snr_dparallax, pmra, pmdec, dis, ruwe
FROM cone(34.75, 57.13, 1.0)
WHERE uniqflag = 1 AND binary_flag = 1
ORDER BY snr_dparallax DESC, star_id
;
