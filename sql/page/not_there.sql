-- Title:   Names of a list that no star and no visit has
-- Reads:   catalog.ob_stars
SELECT name
FROM (SELECT unnest($named) AS name)
WHERE name NOT IN (SELECT star_id FROM catalog.ob_stars UNION ALL SELECT specid FROM catalog.ob_stars)
LIMIT 1
;
