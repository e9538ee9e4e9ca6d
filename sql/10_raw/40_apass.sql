-- Title:   APASS rows as they came.
-- Grain:   one row per row.
-- Reads:   input_apass
INSERT INTO raw.apass BY NAME
SELECT * FROM input_apass
ORDER BY ra, dec, b, v, g, r, i
;
