-- Title:   Header values of the ingested spectra.
-- Grain:   one row per spectrum (specid).
-- Reads:   input_headers
INSERT INTO raw.headers BY NAME
SELECT * FROM input_headers
ORDER BY specid
;
