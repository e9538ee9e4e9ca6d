-- Title:   Every file of the training stars' spectra: ingested, duplicate, or in quarantine with its reason.
-- Grain:   one row per file.
-- Reads:   input_training_files
-- Paper:   section 5.1; METHOD section 4
INSERT INTO raw.training_files BY NAME
SELECT path, status, reason, detail, specid
FROM input_training_files
ORDER BY path
;
