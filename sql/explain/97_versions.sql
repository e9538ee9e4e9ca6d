-- Title:   Versions
-- Grain:   one row per item.
-- Reads:   meta.provenance
SELECT item, value
FROM meta.provenance
ORDER BY item LIKE 'input %', item
;
