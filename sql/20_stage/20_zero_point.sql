-- Title:   Parallax zero point of every Gaia source: the survey's table, else Lindegren's for DR3, else the constant for DR2.
-- Grain:   one row per source_id.
-- Reads:   stage.gaia_sources, stage.zero_point_table, stage.zero_point_lindegren, stage.zero_point_constant
-- Paper:   METHOD section 4
CREATE VIEW stage.zero_point AS
SELECT
    g.source_id
    , coalesce(t.parallax_offset, l.parallax_offset, c.parallax_offset) AS parallax_offset
    , CASE
        WHEN t.parallax_offset IS NOT NULL THEN 'table'
        WHEN l.parallax_offset IS NOT NULL THEN 'lindegren'
        WHEN c.parallax_offset IS NOT NULL THEN 'constant'
    END AS zero_point_source
    , CASE WHEN t.parallax_offset IS NULL THEN l.in_range END AS in_range
FROM stage.gaia_sources AS g
LEFT JOIN stage.zero_point_table AS t USING (source_id)
LEFT JOIN stage.zero_point_lindegren AS l USING (source_id)
LEFT JOIN stage.zero_point_constant AS c USING (source_id)
;
