-- Title:   The quality bits, and which of them the row has
-- Grain:   one row per bit.
-- Reads:   meta.quality_bits, catalog.quality
SELECT b.bit, b.name, b.meaning, coalesce(q.quality & b.bit > 0, false) AS is_set
FROM meta.quality_bits AS b
LEFT JOIN catalog.quality AS q ON q.specid = $specid
ORDER BY b.bit
;
