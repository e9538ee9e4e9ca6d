-- Title:   What tells the kinds of emission apart: ratios of equivalent widths to that of H alpha, and gravity.
-- Grain:   one row per spectrum (specid) with coefficients.
-- Reads:   lines.strengths, sample.visits, extinction.best_labels
-- Mode:    best
CREATE VIEW lines.features AS
WITH exact AS (
    SELECT specid, line_ew::DOUBLE[26] AS line_ew, line_ew_err::DOUBLE[26] AS line_ew_err, line_z::DOUBLE[26] AS line_z
    FROM lines.strengths
)
, measured AS (
    SELECT
        specid
        , CASE WHEN line_ew_err[24] < 1e20 THEN line_z[24] END AS halpha_significance
        , CASE WHEN line_ew_err[1] < 1e20 THEN line_ew[1] END AS halpha_ew
        , CASE WHEN line_ew_err[1] < 1e20 THEN line_ew_err[1] END AS halpha_ew_err
        , CASE WHEN line_ew_err[26] < 1e20 THEN line_ew[26] END AS wide_ew
        , CASE WHEN line_ew_err[26] < 1e20 THEN line_ew_err[26] END AS wide_ew_err
        , CASE WHEN line_ew_err[25] < 1e20 THEN line_ew[25] END AS inner_ew
        , line_ew_err[25] AS inner_ew_err
        , CASE WHEN line_ew_err[19] < 1e20 THEN line_ew[19] END AS nitrogen_ew
        , line_ew_err[19] AS nitrogen_ew_err
        , CASE WHEN line_ew_err[20] + line_ew_err[21] < 1e20 THEN line_ew[20] + line_ew[21] END AS sulphur_ew
        , sqrt(line_ew_err[20] ** 2 + line_ew_err[21] ** 2) AS sulphur_ew_err
        , CASE WHEN line_ew_err[11] + line_ew_err[12] < 1e20 THEN line_ew[11] + line_ew[12] END AS iron_ew
        , sqrt(line_ew_err[11] ** 2 + line_ew_err[12] ** 2) AS iron_ew_err
    FROM exact
)
SELECT
    m.specid
    , m.halpha_significance
    , m.halpha_ew
    , m.halpha_ew_err
    , m.wide_ew
    , m.wide_ew_err
    , m.inner_ew / nullif(m.halpha_ew, 0) AS inner_ratio
    , sqrt(m.inner_ew_err ** 2 + (inner_ratio * m.halpha_ew_err) ** 2) / abs(m.halpha_ew) AS inner_ratio_err
    , m.nitrogen_ew / nullif(m.halpha_ew, 0) AS nitrogen_ratio
    , sqrt(m.nitrogen_ew_err ** 2 + (nitrogen_ratio * m.halpha_ew_err) ** 2) / abs(m.halpha_ew) AS nitrogen_ratio_err
    , m.sulphur_ew / nullif(m.halpha_ew, 0) AS sulphur_ratio
    , sqrt(m.sulphur_ew_err ** 2 + (sulphur_ratio * m.halpha_ew_err) ** 2) / abs(m.halpha_ew) AS sulphur_ratio_err
    , m.iron_ew / nullif(m.halpha_ew, 0) AS iron_ratio
    , sqrt(m.iron_ew_err ** 2 + (iron_ratio * m.halpha_ew_err) ** 2) / abs(m.halpha_ew) AS iron_ratio_err
    , t.logg - 4 * log10(t.teff / 1e4) AS gravity
    , t.logg_err AS gravity_err
FROM measured AS m
INNER JOIN sample.visits AS v USING (specid)
LEFT JOIN extinction.best_labels AS t ON v.star_id = t.star_id
;
