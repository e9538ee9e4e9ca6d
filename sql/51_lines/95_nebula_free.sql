-- Title:   Coefficients of spectra with the lines of a nebula, which are no part of the star.
-- Grain:   one row per spectrum (specid) whose emission is nebular.
-- Reads:   spectra.normalised, lines.emission
-- UDFs:    nebula_free_score
-- Mode:    best
INSERT INTO lines.nebula_free BY NAME
SELECT specid, unnest(nebula_free_score(s.flux, s.ivar))
FROM spectra.normalised AS s
INNER JOIN lines.emission AS e USING (specid)
WHERE e.emission_kind = 'nebular'
;
