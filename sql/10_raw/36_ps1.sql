-- Title:   Pan-STARRS1 rows as they came.
-- Grain:   one row per row.
-- Reads:   input_ps1
INSERT INTO raw.ps1 BY NAME
SELECT * FROM input_ps1
ORDER BY ra, dec, g, r, i
;
