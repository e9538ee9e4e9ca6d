-- Title:   How many rows each quality bit concerns, and of how many it is the only one
-- Reads:   catalog.ob_stars, meta.quality_bits
SELECT b.bit, b.name, b.meaning
    , count(*) FILTER (c.quality & b.bit > 0) AS rows
    , count(*) FILTER (c.quality = b.bit) AS only_this
    , rows / count(*) AS fraction
FROM meta.quality_bits AS b
CROSS JOIN catalog.ob_stars AS c
GROUP BY b.bit, b.name, b.meaning
ORDER BY b.bit
;
