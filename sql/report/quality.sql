-- Title:   How many rows of the catalog each quality bit concerns
-- Reads:   catalog.ob_stars, meta.quality_bits
SELECT b.bit, b.name, b.meaning, count(*) FILTER (c.quality & b.bit > 0) AS rows
FROM meta.quality_bits AS b
LEFT JOIN catalog.ob_stars AS c ON TRUE
GROUP BY b.bit, b.name, b.meaning
ORDER BY b.bit
;
