-- Title:   Distance of the two peaks of H alpha in emission.
-- Grain:   one row per spectrum (specid) with emission at H alpha.
-- Reads:   spectra.normalised, spectra.scores, lines.strengths, meta.parameters
-- UDFs:    peak_separation
-- Mode:    best
INSERT INTO lines.peaks BY NAME
SELECT specid, unnest(peak_separation(s.flux, s.ivar, c.score_clean))
FROM spectra.normalised AS s
INNER JOIN spectra.scores AS c USING (specid)
INNER JOIN lines.strengths AS m USING (specid)
CROSS JOIN meta.parameters AS p
WHERE m.line_z[24] > p.line_threshold
;
