-- Title:   XSTPS-GAC rows as they came.
-- Grain:   one row per row.
-- Reads:   input_xstps
INSERT INTO raw.xstps BY NAME
SELECT * FROM input_xstps
ORDER BY ra, dec, g, r, i
;
