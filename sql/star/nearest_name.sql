-- Title:   The identifier of the catalog that is most like a name, and how like: 1 is the same
-- Grain:   one row.
-- Reads:   catalog.ob_stars
WITH names AS (
    SELECT unnest([specid, star_id, gaia_name]) AS name
    FROM catalog.ob_stars
)
SELECT name, jaro_winkler_similarity(lower(name), lower($name)) AS likeness
FROM names
WHERE name IS NOT NULL
ORDER BY likeness DESC, name
LIMIT 1
;
