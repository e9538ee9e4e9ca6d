-- Title:   Spectra on the common grid, by specid: input_spectra comes in that order, and a plain scan keeps it.
-- Grain:   one row per spectrum (specid).
-- Reads:   input_spectra
-- Paper:   METHOD section 1
INSERT INTO raw.spectra BY NAME
SELECT specid, z, flux, ivar
FROM input_spectra
;
