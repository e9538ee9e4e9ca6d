-- Title:   Five stars with the best spectra and no quality bit: what a row of the catalog says
-- Reads:   catalog.ob_stars
SELECT star_id, round(teff, -1) AS teff, round(mk, 2) AS mk, round(mk_err, 2) AS mk_err,
    round(dis, 3) AS dis, round(dis_low, 3) AS dis_low, round(dis_high, 3) AS dis_high,
    round(ebv, 3) AS ebv, binary_flag, em_flag
FROM catalog.ob_stars
WHERE uniqflag = 1 AND quality = 0
ORDER BY snr_g DESC, star_id
LIMIT 5
;
