-- Title:   Gaia DR2 rows as they came.
-- Grain:   one row per source_id.
-- Reads:   input_gaia_dr2
INSERT INTO raw.gaia_dr2 BY NAME
SELECT * FROM input_gaia_dr2
ORDER BY source_id
;
