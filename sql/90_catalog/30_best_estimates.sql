-- Title:   Absolute magnitudes and distances that best mode publishes: the one place that says where they come from.
-- Grain:   one row per spectrum (specid).
-- Reads:   sample.visits, luminosity.magnitudes, uncertainty.errors, distance.distances
-- Mode:    best
CREATE VIEW catalog.best_estimates AS
SELECT
    v.specid
    , m.mk
    , CASE WHEN m.mk IS NOT NULL THEN u.mk_err END AS mk_err
    , d.dis
    , d.dis_low
    , d.dis_high
    , d.logdis
    , d.logdis_err
    , NULL::DOUBLE AS mk_low
    , NULL::DOUBLE AS mk_high
    , NULL::DOUBLE AS mk_low95
    , NULL::DOUBLE AS mk_high95
    , m.mk AS mk_spec
    , CASE WHEN m.mk IS NOT NULL THEN u.mk_err END AS mk_spec_err
    , NULL::DOUBLE AS mk_system
    , NULL::DOUBLE AS mk_likelihood
    , NULL::DOUBLE AS p_companion
    , NULL::DOUBLE AS p_other
    , NULL::DOUBLE AS dis_median
    , NULL::DOUBLE AS dis_low95
    , NULL::DOUBLE AS dis_high95
FROM sample.visits AS v
LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
LEFT JOIN uncertainty.errors AS u ON v.specid = u.specid
LEFT JOIN distance.distances AS d ON v.specid = d.specid
;
