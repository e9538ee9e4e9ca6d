-- Title:   Every number a reader may want to change, once: values, ranges, status and meaning stand in parameters.csv.
-- Grain:   one row.
-- Paper:   METHOD sections 1 to 8; a survey overrides a value by its name.
INSERT INTO meta.parameters DEFAULT VALUES
;
