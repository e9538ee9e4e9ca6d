-- Title:   Every row says whether its star exists, as the survey does.
-- Level:   fail
-- Reads:   catalog.ob_stars, meta.survey
SELECT c.specid, c.simulated
FROM catalog.ob_stars AS c
LEFT JOIN meta.survey AS s ON c.simulated = s.simulated
WHERE s.name IS NULL
;
