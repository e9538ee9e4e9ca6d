-- Title:   What ordinary stars show in each line beyond the reconstruction.
-- Grain:   one row per star: its best spectrum.
-- Reads:   lines.sums, spectra.scores, sample.visits, meta.parameters
-- Fit:     line_strengths.lines
-- Parameters: line_min_snr
-- Mode:    best
SELECT v.star_id, v.snr_g, m.line_sum, m.line_noise, c.score_clean
FROM (
    SELECT star_id, specid, snr_g
    FROM sample.visits
    CROSS JOIN meta.parameters AS p
    WHERE uniqflag = 1 AND snr_g IS NOT NULL
    QUALIFY row_number() OVER (ORDER BY meta.hash_fraction(star_id), star_id) <= p.fit_max_stars
) AS v
INNER JOIN lines.sums AS m USING (specid)
INNER JOIN spectra.scores AS c USING (specid)
ORDER BY v.star_id
;
