-- Title:   Flux above the reconstruction, summed over the cores of lines.
-- Grain:   one row per spectrum (specid) with coefficients.
-- Reads:   spectra.normalised, spectra.scores
-- UDFs:    line_sums
-- Mode:    best
INSERT INTO lines.sums BY NAME
SELECT specid, unnest(line_sums(s.flux, s.ivar, c.score_clean))
FROM spectra.normalised AS s
INNER JOIN spectra.scores AS c USING (specid)
WHERE c.score_clean IS NOT NULL
;
