-- Title:   Flux above the reconstruction at Halpha, the emission flag, and spectra that cannot be right.
-- Grain:   one row per spectrum (specid).
-- Reads:   spectra.normalised, spectra.scores
-- UDFs:    emission
-- Paper:   section 3, Fig. 3
INSERT INTO emission.lines BY NAME
SELECT specid, unnest(emission(s.flux, s.ivar, c.score_clean))
FROM spectra.normalised AS s
INNER JOIN spectra.scores AS c USING (specid)
;
