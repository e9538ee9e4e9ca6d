-- Title:   Parallax zero point of every Gaia source by the name that the survey gives; else its table, Lindegren's for DR3, the constant.
-- Grain:   one row per source_id.
-- Reads:   stage.gaia_sources, stage.zero_point_table, stage.zero_point_lindegren, stage.zero_point_constant, stage.zero_point_relations, meta.survey
-- Paper:   METHOD section 4
CREATE VIEW stage.zero_point AS
WITH chosen AS (
    SELECT max(zero_point) AS name FROM meta.survey
)
, offered AS (
    SELECT
        g.source_id
        , CASE WHEN coalesce(s.name = 'leung_bovy_2019', false) THEN r.leung_bovy_2019 END AS leung_bovy_2019
        , CASE WHEN coalesce(s.name = 'zinn_2019', false) THEN r.zinn_2019 END AS zinn_2019
        , CASE WHEN s.name IS NULL THEN t.parallax_offset END AS from_table
        , CASE WHEN coalesce(s.name, 'lindegren_2021') = 'lindegren_2021' THEN l.parallax_offset END AS lindegren_2021
        , c.parallax_offset AS constant
        , l.in_range
    FROM stage.gaia_sources AS g
    CROSS JOIN chosen AS s
    LEFT JOIN stage.zero_point_relations AS r USING (source_id)
    LEFT JOIN stage.zero_point_table AS t USING (source_id)
    LEFT JOIN stage.zero_point_lindegren AS l USING (source_id)
    LEFT JOIN stage.zero_point_constant AS c USING (source_id)
)
SELECT
    source_id
    , coalesce(leung_bovy_2019, zinn_2019, from_table, lindegren_2021, constant) AS parallax_offset
    , CASE
        WHEN leung_bovy_2019 IS NOT NULL THEN 'leung_bovy_2019'
        WHEN zinn_2019 IS NOT NULL THEN 'zinn_2019'
        WHEN from_table IS NOT NULL THEN 'table'
        WHEN lindegren_2021 IS NOT NULL THEN 'lindegren_2021'
        WHEN constant IS NOT NULL THEN 'constant'
    END AS zero_point_source
    , CASE WHEN zero_point_source = 'lindegren_2021' THEN in_range END AS in_range
FROM offered
;
