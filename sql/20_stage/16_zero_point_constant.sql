-- Title:   Parallax zero point of Gaia DR2 as one constant.
-- Grain:   one row per source_id of DR2.
-- Reads:   raw.gaia_dr2, meta.parameters
-- Paper:   METHOD section 4; Leung & Bovy (2019)
CREATE VIEW stage.zero_point_constant AS
SELECT g.source_id, p.zero_point_default AS parallax_offset
FROM raw.gaia_dr2 AS g
CROSS JOIN meta.parameters AS p
;
