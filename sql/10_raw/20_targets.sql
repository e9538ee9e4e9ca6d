-- Title:   The stars the survey asks for.
-- Grain:   one row per row of the list.
-- Reads:   input_targets
INSERT INTO raw.targets BY NAME
SELECT * FROM input_targets
ORDER BY ra, dec, specid, name
;
