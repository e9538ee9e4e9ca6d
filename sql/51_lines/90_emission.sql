-- Title:   Emission in best mode: flag, equivalent width of H alpha, kind with its probability, peaks.
-- Grain:   one row per spectrum (specid) with coefficients.
-- Reads:   emission.lines, lines.features, lines.kinds, lines.peaks, meta.parameters
-- Mode:    best
INSERT INTO lines.emission BY NAME
WITH likelihoods AS (
    SELECT
        f.specid
        , k.kind
        , ln(k.prior)
        + meta.student_ln(f.inner_ratio, f.inner_ratio_err, k.inner_mean, k.inner_scatter)
        + meta.student_ln(f.nitrogen_ratio, f.nitrogen_ratio_err, k.nitrogen_mean, k.nitrogen_scatter)
        + meta.student_ln(f.sulphur_ratio, f.sulphur_ratio_err, k.sulphur_mean, k.sulphur_scatter)
        + meta.student_ln(f.iron_ratio, f.iron_ratio_err, k.iron_mean, k.iron_scatter)
        + meta.student_ln(f.gravity, f.gravity_err, k.gravity_mean, k.gravity_scatter) AS log_p
        , max(log_p) OVER (PARTITION BY f.specid) AS largest
    FROM lines.features AS f
    CROSS JOIN lines.kinds AS k
    CROSS JOIN meta.parameters AS p
    WHERE f.halpha_significance > p.line_threshold AND f.halpha_ew > 0
)
, told AS (
    SELECT specid, arg_max(kind, log_p) AS emission_kind, 1 / sum(exp(log_p - largest) ORDER BY kind) AS p_kind
    FROM likelihoods
    GROUP BY specid
)
, measured AS (
    SELECT f.*, t.emission_kind, t.p_kind, x.peak_separation, x.peak_separation_err
        , coalesce(f.wide_ew - f.halpha_ew > 3 * f.wide_ew_err AND t.emission_kind != 'nebular', false) AS is_wide
        , coalesce((f.halpha_significance > p.line_threshold)::SMALLINT, n.em_flag) AS em_flag
    FROM lines.features AS f
    CROSS JOIN meta.parameters AS p
    LEFT JOIN emission.lines AS n ON f.specid = n.specid
    LEFT JOIN told AS t ON f.specid = t.specid
    LEFT JOIN lines.peaks AS x ON f.specid = x.specid
)
SELECT
    specid
    , em_flag
    , CASE WHEN is_wide THEN wide_ew ELSE halpha_ew END AS halpha_ew
    , CASE WHEN is_wide THEN wide_ew_err ELSE halpha_ew_err END AS halpha_ew_err
    , halpha_significance
    , emission_kind
    , p_kind
    , CASE WHEN emission_kind != 'nebular' THEN peak_separation END AS peak_separation
    , CASE WHEN emission_kind != 'nebular' THEN peak_separation_err END AS peak_separation_err
FROM measured
ORDER BY specid
;
