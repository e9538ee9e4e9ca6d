-- Title:   Spectra of the training stars on the common grid, by specid; those of the sample are in raw.spectra.
-- Grain:   one row per spectrum (specid).
-- Reads:   input_training_spectra
-- Paper:   section 5.1; METHOD sections 1 and 4
INSERT INTO raw.training_spectra BY NAME
SELECT specid, z, flux, ivar
FROM input_training_spectra
;
