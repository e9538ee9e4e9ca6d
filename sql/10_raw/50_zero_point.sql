-- Title:   Offset of the Gaia parallax against G, if the survey gives one.
-- Grain:   one row per G magnitude.
-- Reads:   input_zero_point
INSERT INTO raw.zero_point BY NAME
SELECT * FROM input_zero_point
ORDER BY g
;
