-- Title:   Gaia DR3 rows as they came, for surveys that give DR3 in place of DR2.
-- Grain:   one row per source_id.
-- Reads:   input_gaia_dr3
INSERT INTO raw.gaia_dr3 BY NAME
SELECT * FROM input_gaia_dr3
ORDER BY source_id
;
