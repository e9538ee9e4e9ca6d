-- Title:   2MASS, XSTPS-GAC, Pan-STARRS and APASS candidates with the reason for or against; Gaia's best neighbour wins over position.
-- Grain:   one row per (star_id, catalog, source).
-- Reads:   sample.pairs, sample.gaia_matches, raw.twomass
-- Paper:   METHOD section 3
INSERT INTO sample.photometry_matches BY NAME
WITH given AS (
    SELECT m.star_id, 'twomass' AS catalog, t.rowid AS source
    FROM raw.twomass AS t
    INNER JOIN sample.gaia_matches AS m ON t.source_id = m.source_id AND m.chosen = 1
)
, candidates AS (
    SELECT star_id, catalog, source, separation
    FROM sample.pairs
    WHERE catalog IN ('twomass', 'xstps', 'ps1', 'apass')
    UNION ALL
    SELECT g.star_id, g.catalog, g.source, NULL
    FROM given AS g
    ANTI JOIN sample.pairs AS p ON g.star_id = p.star_id AND g.source = p.source AND g.catalog = p.catalog
)
, shared AS (
    SELECT
        c.*
        , g.source IS NOT NULL AS is_given
        , rank() OVER (
            PARTITION BY c.catalog, coalesce(t.designation, c.source::VARCHAR)
            ORDER BY g.source IS NOT NULL DESC, c.separation, c.star_id
        ) > 1 AS is_shared
    FROM candidates AS c
    LEFT JOIN given AS g USING (star_id, catalog, source)
    LEFT JOIN raw.twomass AS t ON c.catalog = 'twomass' AND c.source = t.rowid
)
, judged AS (
    SELECT
        *
        , row_number() OVER (
            PARTITION BY star_id, catalog ORDER BY is_shared, is_given DESC, separation, source
        ) AS rank
    FROM shared
)
SELECT star_id, catalog, source, separation, rank, (rank = 1 AND NOT is_shared)::SMALLINT AS chosen
    , CASE
        WHEN is_shared THEN 'nearer to another star'
        WHEN rank > 1 THEN 'not the nearest, or not the given one'
        WHEN is_given THEN 'best neighbour of the Gaia source'
        ELSE 'nearest'
    END AS reason
FROM judged
ORDER BY star_id, catalog, rank
;
