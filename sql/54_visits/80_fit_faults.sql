-- Title:   Steps between the arms and skies of spectra, most of which are sound.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   visits.levels, sample.visits, extinction.best_labels, reddening.dust
-- Fit:     templates.faults
-- Mode:    best
SELECT m.specid, m.arm_step, m.sky_sum, d.ebv, t.teff, v.snr_g
FROM visits.levels AS m
INNER JOIN sample.visits AS v USING (specid)
LEFT JOIN extinction.best_labels AS t ON v.star_id = t.star_id
LEFT JOIN reddening.dust AS d ON v.star_id = d.star_id
WHERE v.snr_g > 0
ORDER BY m.specid
;
