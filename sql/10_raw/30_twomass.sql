-- Title:   2MASS rows as they came.
-- Grain:   one row per row.
-- Reads:   input_twomass
INSERT INTO raw.twomass BY NAME
SELECT * FROM input_twomass
ORDER BY designation, ra, dec, source_id
;
