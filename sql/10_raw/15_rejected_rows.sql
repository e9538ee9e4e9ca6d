-- Title:   Rows of the input tables that could not be used.
-- Grain:   one row per rejected row.
-- Reads:   input_rejected_rows
INSERT INTO raw.rejected_rows BY NAME
SELECT * FROM input_rejected_rows
ORDER BY source, row
;
