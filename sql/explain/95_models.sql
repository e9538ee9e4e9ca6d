-- Title:   Models
-- Grain:   one row per model.
-- Reads:   model.fits
SELECT model, n_rows, origin, left(key, 16) AS key
FROM model.fits
ORDER BY model
;
