-- Title:   Label rows of every star: by spectrum, observation, Gaia source or position, in that order.
-- Grain:   one row per (star_id, row of the label table).
-- Reads:   stage.labels, stage.headers, sample.visits, sample.gaia_matches, sample.pairs
-- Paper:   METHOD section 3
INSERT INTO sample.label_matches BY NAME
WITH candidates AS (
    SELECT v.star_id, l.row, 1 AS way, v.uniqflag AS nearness, 'specid' AS reason
    FROM stage.labels AS l
    INNER JOIN sample.visits AS v USING (specid)
    UNION ALL
    SELECT v.star_id, l.row, 2, v.uniqflag, 'obsid'
    FROM stage.labels AS l
    INNER JOIN stage.headers AS h USING (obsid)
    INNER JOIN sample.visits AS v ON h.specid = v.specid
    UNION ALL
    SELECT m.star_id, l.row, 3, 0, 'Gaia source'
    FROM stage.labels AS l
    INNER JOIN sample.gaia_matches AS m ON l.source_id = m.source_id AND m.chosen = 1
    UNION ALL
    SELECT p.star_id, p.source, 4, p.separation, 'position'
    FROM sample.pairs AS p
    WHERE p.catalog = 'labels'
)
, usable AS (
    SELECT c.star_id, c.row, arg_min(c.reason, c.way) AS reason, min((c.way, c.nearness)) AS nearness
        , bool_or(l.teff IS NOT NULL AND l.logg IS NOT NULL) AS is_usable
    FROM candidates AS c
    INNER JOIN stage.labels AS l ON c.row = l.row
    GROUP BY c.star_id, c.row
)
SELECT star_id, row, reason
    , row_number() OVER (PARTITION BY star_id ORDER BY is_usable DESC, nearness, row) AS rank
    , (is_usable AND row_number() OVER (PARTITION BY star_id ORDER BY is_usable DESC, nearness, row) = 1)::SMALLINT
        AS chosen
FROM usable
ORDER BY star_id, rank
;
