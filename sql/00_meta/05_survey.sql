-- Title:   The survey this database was built from.
-- Grain:   one row.
-- Reads:   input_survey
INSERT INTO meta.survey BY NAME
SELECT * FROM input_survey
;
