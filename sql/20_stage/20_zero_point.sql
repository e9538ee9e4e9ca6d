-- Title:   Parallax zero point of every Gaia source: the survey's table against G, linear between its rows, else the constant.
-- Grain:   one row per source_id.
-- Reads:   raw.gaia_dr2, raw.zero_point, meta.parameters
-- Paper:   METHOD section 4; Leung & Bovy (2019)
CREATE VIEW stage.zero_point AS
WITH below AS (
    SELECT s.source_id, s.g, t.g AS g0, t.parallax_offset AS offset0
    FROM (SELECT source_id, meta.valid_mag(phot_g_mean_mag) AS g FROM raw.gaia_dr2) AS s
    ASOF LEFT JOIN raw.zero_point AS t ON s.g >= t.g
)
, between_rows AS (
    SELECT b.*, t.g AS g1, t.parallax_offset AS offset1
    FROM below AS b
    ASOF LEFT JOIN raw.zero_point AS t ON b.g <= t.g
)
SELECT
    b.source_id
    , coalesce(
        CASE WHEN b.g1 > b.g0 THEN b.offset0 + (b.offset1 - b.offset0) * (b.g - b.g0) / (b.g1 - b.g0) END
        , b.offset0
        , b.offset1
        , p.zero_point_default
    ) AS parallax_offset
FROM between_rows AS b
CROSS JOIN meta.parameters AS p
;
