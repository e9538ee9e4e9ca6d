-- Title:   Parallax zero point as one constant: that of Gaia DR2, unless the survey asks for it by name.
-- Grain:   one row per source_id.
-- Reads:   stage.gaia_sources, meta.survey, meta.parameters
-- Paper:   METHOD section 4; Leung & Bovy (2019)
CREATE VIEW stage.zero_point_constant AS
SELECT g.source_id, p.zero_point_default AS parallax_offset
FROM stage.gaia_sources AS g
CROSS JOIN meta.parameters AS p
WHERE g.release = 2 OR 'constant' IN (SELECT zero_point FROM meta.survey)
;
