-- Title:   The name in the list of targets, or the designation, that is most like a name, and how like: 1 is the same
-- Grain:   one row.
-- Reads:   raw.headers, sample.targets
WITH names AS (
    SELECT name
    FROM sample.targets
    UNION
    SELECT desig
    FROM raw.headers
)
SELECT name, jaro_winkler_similarity(lower(name), lower($name)) AS likeness
FROM names
WHERE name IS NOT NULL
ORDER BY likeness DESC, name
LIMIT 1
;
