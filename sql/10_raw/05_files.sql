-- Title:   Every file found: ingested, duplicate, or in quarantine with its reason.
-- Grain:   one row per file.
-- Reads:   input_files
INSERT INTO raw.files BY NAME
SELECT * FROM input_files
ORDER BY path
;
