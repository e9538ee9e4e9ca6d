-- Title:   No column of the catalog is empty.
-- Level:   warn
-- Reads:   catalog.ob_stars
WITH counts AS (
    SELECT count(COLUMNS('(.*)')) AS "\1" FROM catalog.ob_stars
)
, filled AS (
    UNPIVOT counts ON COLUMNS(*) INTO NAME column_name VALUE n
)
SELECT column_name
FROM filled
WHERE n = 0 AND EXISTS (FROM catalog.ob_stars)
;
