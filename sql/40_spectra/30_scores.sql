-- Title:   Coefficients of every spectrum on both sets of eigenspectra.
-- Grain:   one row per spectrum (specid).
-- Reads:   spectra.normalised
-- UDFs:    pca_scores
-- Paper:   section 3
INSERT INTO spectra.scores BY NAME
SELECT specid, unnest(pca_scores(flux, ivar))
FROM spectra.normalised
;
