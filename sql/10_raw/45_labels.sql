-- Title:   Stellar labels as they came.
-- Grain:   one row per row.
-- Reads:   input_labels
INSERT INTO raw.labels BY NAME
SELECT * FROM input_labels
ORDER BY specid, obsid, source_id, ra, dec, teff
;
