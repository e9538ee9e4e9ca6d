-- Title:   Parallax zero point from the survey's own table against G, linear between its rows; unknown without a table.
-- Grain:   one row per source_id.
-- Reads:   stage.gaia_sources, raw.zero_point
-- Paper:   METHOD section 4; Leung & Bovy (2019), or any other
CREATE VIEW stage.zero_point_table AS
WITH below AS (
    SELECT s.source_id, s.g, t.g AS g0, t.parallax_offset AS offset0
    FROM (SELECT source_id, meta.valid_mag(phot_g_mean_mag) AS g FROM stage.gaia_sources) AS s
    ASOF LEFT JOIN raw.zero_point AS t ON s.g >= t.g
)
, between_rows AS (
    SELECT b.*, t.g AS g1, t.parallax_offset AS offset1
    FROM below AS b
    ASOF LEFT JOIN raw.zero_point AS t ON b.g <= t.g
)
SELECT
    source_id
    , coalesce(
        CASE WHEN g1 > g0 THEN offset0 + (offset1 - offset0) * (g - g0) / (g1 - g0) END
        , offset0
        , offset1
    ) AS parallax_offset
FROM between_rows
;
