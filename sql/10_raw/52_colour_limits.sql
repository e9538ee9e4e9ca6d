-- Title:   Limits in colour of the whole survey, in a partition of it; a survey by itself has none here.
-- Grain:   one row per star (star_id) with a limit.
-- Reads:   input_colour_limits
INSERT INTO raw.colour_limits BY NAME
SELECT * FROM input_colour_limits
ORDER BY star_id
;
