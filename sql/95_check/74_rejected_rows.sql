-- Title:   No row of an input table had to be left out.
-- Level:   warn
-- Reads:   raw.rejected_rows
SELECT source, row, reason, detail
FROM raw.rejected_rows
;
