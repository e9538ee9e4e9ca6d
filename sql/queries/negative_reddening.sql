-- Title:   Stars with a reddening below zero by more than its error allows, and what colours and labels it came from
-- Reads:   catalog.ob_stars
SELECT star_id, ebv, ebv_err, n_colours, gri_source, teff, teff_err, label_source, em_flag
FROM catalog.ob_stars
WHERE uniqflag = 1 AND has_bit(quality, 'negative_ebv')
ORDER BY ebv / ebv_err, star_id
;
