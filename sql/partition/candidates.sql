-- Title:   Every source that a star may be given: by position, by a list, as best neighbour of its Gaia source, by its labels.
-- Grain:   one row per (star_id, catalog, source).
-- Reads:   sample.pairs, sample.targets, sample.visits, stage.labels, stage.headers, raw.twomass
WITH gaia AS (
    SELECT star_id, source FROM sample.pairs WHERE catalog = 'gaia'
    UNION
    SELECT v.star_id, t.source_id
    FROM sample.targets AS t
    INNER JOIN sample.visits AS v USING (specid)
    WHERE t.source_id IS NOT NULL
)
SELECT star_id, catalog, source FROM sample.pairs
UNION
SELECT star_id, 'gaia', source FROM gaia
UNION
SELECT g.star_id, 'twomass', t.rowid FROM gaia AS g INNER JOIN raw.twomass AS t ON g.source = t.source_id
UNION
SELECT g.star_id, 'labels', l.row FROM gaia AS g INNER JOIN stage.labels AS l ON g.source = l.source_id
UNION
SELECT v.star_id, 'labels', l.row FROM sample.visits AS v INNER JOIN stage.labels AS l USING (specid)
UNION
SELECT v.star_id, 'labels', l.row
FROM stage.labels AS l
INNER JOIN stage.headers AS h USING (obsid)
INNER JOIN sample.visits AS v ON h.specid = v.specid
ORDER BY star_id, catalog, source
