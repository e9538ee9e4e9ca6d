-- Title:   The rows of the catalogs that a partition reads.
-- Grain:   one row per (partition, catalog, source).
SELECT DISTINCT r.partition, c.catalog, c.source
FROM readers AS r
INNER JOIN candidates AS c USING (star_id)
ORDER BY r.partition, c.catalog, c.source
