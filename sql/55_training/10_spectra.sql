-- Title:   Coefficients and emission flag of the training stars, on the eigenspectra of the sample, which they do not shape.
-- Grain:   one row per spectrum (specid).
-- Reads:   raw.training_spectra
-- UDFs:    normalised, pca_scores, emission
-- Paper:   sections 3 and 5.1
INSERT INTO training.spectra BY NAME
WITH at_rest AS (
    SELECT specid, unnest(normalised(flux, ivar, meta.redshift(z)))
    FROM raw.training_spectra
)
, scored AS (
    SELECT specid, flux, ivar, unnest(pca_scores(flux, ivar))
    FROM at_rest
)
, flagged AS (
    SELECT specid, score_clean, score_full, unnest(emission(flux, ivar, score_clean))
    FROM scored
)
SELECT specid, score_clean, score_full, em_flag, erroneous
FROM flagged
;
