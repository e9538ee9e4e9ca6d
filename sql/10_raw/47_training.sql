-- Title:   Stars that train and are no rows of the catalog, as they came.
-- Grain:   one row per row of the table.
-- Reads:   input_training
-- Paper:   section 5.1; METHOD section 4
INSERT INTO raw.training BY NAME
SELECT * FROM input_training
ORDER BY specid, obsid, fitsname, ra, dec, name
;
