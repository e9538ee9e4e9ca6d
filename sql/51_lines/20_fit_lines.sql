-- Title:   What ordinary stars show in each line beyond the reconstruction.
-- Grain:   one row per star: its best spectrum.
-- Reads:   lines.sums, spectra.scores, sample.visits
-- Fit:     line_strengths.lines
-- Parameters: line_min_snr
-- Mode:    best
SELECT v.star_id, v.snr_g, m.line_sum, m.line_noise, c.score_clean
FROM sample.visits AS v
INNER JOIN lines.sums AS m USING (specid)
INNER JOIN spectra.scores AS c USING (specid)
WHERE v.uniqflag = 1 AND v.snr_g IS NOT NULL
ORDER BY v.star_id
;
