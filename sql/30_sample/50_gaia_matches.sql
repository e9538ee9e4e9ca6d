-- Title:   Gaia candidates of every star, with the reason for or against each; a given id wins over position and colour.
-- Grain:   one row per (star_id, source_id).
-- Reads:   sample.pairs, sample.targets, sample.visits, sample.gaia_colours, stage.gaia_sources, meta.parameters
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
        , k.colour
        , k.colour_limit
        , coalesce(c.source_id = g.source_id, false) AS is_given
        , r.source_id IS NOT NULL AS exists_in_table
        , coalesce(c.separation > p.identity_radius, false) AND NOT is_given AS is_far
        , coalesce(k.colour > k.colour_limit, false) AND NOT is_given AS is_faint
        , rank() OVER (
            PARTITION BY c.source_id
            ORDER BY coalesce(c.source_id = g.source_id, false) DESC, c.separation, c.star_id
        ) > 1 AS is_shared
    FROM candidates AS c
    CROSS JOIN meta.parameters AS p
    LEFT JOIN given AS g USING (star_id)
    LEFT JOIN sample.gaia_colours AS k ON c.star_id = k.star_id AND c.source_id = k.source_id
    LEFT JOIN stage.gaia_sources AS r ON c.source_id = r.source_id
)
, judged AS (
    SELECT
        *
        , exists_in_table AND NOT is_shared AND NOT is_far AND NOT is_faint AS counts
        , row_number() OVER (
            PARTITION BY star_id ORDER BY counts DESC, is_given DESC, separation, source_id
        ) AS rank
    FROM shared
)
SELECT star_id, source_id, separation, colour, colour_limit, rank, (rank = 1 AND counts)::SMALLINT AS chosen
    , CASE
        WHEN NOT exists_in_table THEN 'given id not in table'
        WHEN is_shared THEN 'nearer to another star'
        WHEN is_far THEN 'too far from the star'
        WHEN is_faint THEN 'too faint in G for its Ks and reddening'
        WHEN rank > 1 THEN 'not the nearest, or not the given one'
        WHEN is_given THEN 'given id'
        ELSE 'nearest'
    END AS reason
FROM judged
ORDER BY star_id, rank
;
