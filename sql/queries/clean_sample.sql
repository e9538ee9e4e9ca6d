-- Title:   A clean sample: no quality bit but regressed labels, good spectrum, good astrometry
-- Reads:   catalog.ob_stars, meta.quality_bits
SELECT star_id, specid, gaia_id, ra, dec, mk, mk_err, dis, ebv, binary_flag, em_flag
FROM catalog.ob_stars
WHERE uniqflag = 1 AND snr_g > 50 AND ruwe < 1.4
    AND quality & ~(SELECT bit FROM meta.quality_bits WHERE name = 'labels_regressed') = 0
ORDER BY star_id
;
