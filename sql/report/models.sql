-- Title:   Models, the rows they were trained on, and where they come from
-- Reads:   model.fits
SELECT model, n_rows, origin, key
FROM model.fits
ORDER BY model
;
