-- Title:   Flux above the reconstruction at Halpha, the emission flag, and spectra that cannot be right.
-- Grain:   one row per spectrum (specid).
-- Reads:   emission.spectra, emission.scores
-- UDFs:    emission
-- Paper:   section 3, Fig. 3
INSERT INTO emission.lines BY NAME
SELECT specid, unnest(emission(s.flux, s.ivar, c.score_clean))
FROM emission.spectra AS s
INNER JOIN emission.scores AS c USING (specid)
;
