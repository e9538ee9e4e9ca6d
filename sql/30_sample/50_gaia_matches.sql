-- Title:   Gaia candidates of every star, with the reason for or against each; a given id wins over position.
-- Grain:   one row per (star_id, source_id).
-- Reads:   sample.pairs, sample.targets, sample.visits, stage.gaia_sources
-- Paper:   METHOD section 3
INSERT INTO sample.gaia_matches BY NAME
WITH given AS (
    SELECT v.star_id, arg_min(t.source_id, v.uniqflag) AS source_id
    FROM sample.targets AS t
    INNER JOIN sample.visits AS v USING (specid)
    WHERE t.source_id IS NOT NULL
    GROUP BY v.star_id
)
, candidates AS (
    SELECT star_id, source AS source_id, separation FROM sample.pairs WHERE catalog = 'gaia'
    UNION ALL
    SELECT g.star_id, g.source_id, NULL
    FROM given AS g
    ANTI JOIN sample.pairs AS p ON g.star_id = p.star_id AND g.source_id = p.source AND p.catalog = 'gaia'
)
, shared AS (
    SELECT
        c.*
        , coalesce(c.source_id = g.source_id, false) AS is_given
        , r.source_id IS NOT NULL AS exists_in_table
        , rank() OVER (
            PARTITION BY c.source_id
            ORDER BY coalesce(c.source_id = g.source_id, false) DESC, c.separation, c.star_id
        ) > 1 AS is_shared
    FROM candidates AS c
    LEFT JOIN given AS g USING (star_id)
    LEFT JOIN stage.gaia_sources AS r ON c.source_id = r.source_id
)
, judged AS (
    SELECT
        *
        , row_number() OVER (
            PARTITION BY star_id
            ORDER BY exists_in_table AND NOT is_shared DESC, is_given DESC, separation, source_id
        ) AS rank
    FROM shared
)
SELECT star_id, source_id, separation, rank, (rank = 1 AND exists_in_table AND NOT is_shared)::SMALLINT AS chosen
    , CASE
        WHEN NOT exists_in_table THEN 'given id not in table'
        WHEN is_shared THEN 'nearer to another star'
        WHEN rank > 1 THEN 'not the nearest, or not the given one'
        WHEN is_given THEN 'given id'
        ELSE 'nearest'
    END AS reason
FROM judged
ORDER BY star_id, rank
;
