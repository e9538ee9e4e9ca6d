-- Title:   Inputs, versions and the survey
-- Reads:   meta.provenance
SELECT item, coalesce(value, '') AS value
FROM meta.provenance
ORDER BY item
;
