-- Title:   Header values of the training stars' spectra; those of the sample are in raw.headers.
-- Grain:   one row per spectrum (specid).
-- Reads:   input_training_headers
-- Paper:   section 5.1; METHOD section 4
INSERT INTO raw.training_headers BY NAME
SELECT specid, fitsname, obsid, ra, dec, z, snr_g, snr_g_computed
FROM input_training_headers
ORDER BY specid
;
