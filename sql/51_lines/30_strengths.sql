-- Title:   Equivalent widths beyond those of ordinary stars, all lines of a spectrum together.
-- Grain:   one row per spectrum (specid) with coefficients.
-- Reads:   lines.sums, spectra.scores
-- UDFs:    line_strengths
-- Mode:    best
INSERT INTO lines.strengths BY NAME
SELECT specid, unnest(line_strengths(m.line_sum, m.line_noise, c.score_clean))
FROM lines.sums AS m
INNER JOIN spectra.scores AS c USING (specid)
ORDER BY specid
;
