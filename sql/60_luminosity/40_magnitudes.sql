-- Title:   Absolute magnitude from the spectrum.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   spectra.scores, emission.lines
-- UDFs:    luminosity
-- Paper:   section 5, Eq. 6
INSERT INTO luminosity.magnitudes BY NAME
SELECT specid, unnest(luminosity(c.score_clean, c.score_full, e.em_flag))
FROM spectra.scores AS c
INNER JOIN emission.lines AS e USING (specid)
;
