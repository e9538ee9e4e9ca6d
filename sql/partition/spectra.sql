-- Title:   The spectra that a partition reads: all of its stars, and those of no star that are its own.
-- Grain:   one row per (partition, specid).
-- Reads:   sample.visits
SELECT r.partition, v.specid FROM readers AS r INNER JOIN sample.visits AS v USING (star_id)
UNION ALL
SELECT partition, specid FROM wanted WHERE star_id IS NULL
ORDER BY partition, specid
