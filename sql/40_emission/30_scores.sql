-- Title:   Coefficients of every spectrum on both sets of eigenspectra.
-- Grain:   one row per spectrum (specid).
-- Reads:   emission.spectra
-- UDFs:    pca_scores
-- Paper:   section 3
INSERT INTO emission.scores BY NAME
SELECT specid, unnest(pca_scores(flux, ivar))
FROM emission.spectra
;
