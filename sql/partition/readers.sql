-- Title:   The stars that a partition reads: its own, those that could be given one of their sources, and those that could of these.
-- Grain:   one row per (partition, star_id).
-- Reads:   raw.twomass
WITH named AS (
    SELECT c.star_id, c.catalog, coalesce(t.designation, c.source::VARCHAR) AS name
    FROM candidates AS c
    LEFT JOIN raw.twomass AS t ON c.catalog = 'twomass' AND c.source = t.rowid
    WHERE c.catalog <> 'labels'
)
, links AS (
    SELECT DISTINCT a.star_id, b.star_id AS other
    FROM named AS a
    INNER JOIN named AS b USING (catalog, name)
    WHERE a.star_id <> b.star_id
)
, once AS (
    SELECT partition, star_id FROM wanted WHERE star_id IS NOT NULL
    UNION
    SELECT w.partition, l.other FROM wanted AS w INNER JOIN links AS l USING (star_id)
)
SELECT partition, star_id FROM once
UNION
SELECT o.partition, l.other FROM once AS o INNER JOIN links AS l USING (star_id)
ORDER BY partition, star_id
