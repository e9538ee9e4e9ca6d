-- Title:   Spectra in the rest frame, divided by their pseudo-continuum.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   raw.spectra, stage.headers, sample.visits
-- UDFs:    normalised
-- Paper:   METHOD section 1; Ho et al. (2017)
INSERT INTO emission.spectra BY NAME
SELECT specid, unnest(normalised(s.flux, s.ivar, h.z))
FROM raw.spectra AS s
INNER JOIN (SELECT specid, z FROM stage.headers SEMI JOIN sample.visits USING (specid)) AS h USING (specid)
;
