-- Title:   Absolute magnitudes and distances that best mode publishes: the one place that says where they come from.
-- Grain:   one row per spectrum (specid).
-- Reads:   sample.visits, posterior.magnitudes, posterior.distances
-- Mode:    best
CREATE VIEW catalog.best_estimates AS
SELECT
    v.specid
    , m.mk
    , (m.mk_high - m.mk_low) / 2 AS mk_err
    , d.dis
    , d.dis_low
    , d.dis_high
    , d.logdis
    , d.logdis_err
    , m.mk_low
    , m.mk_high
    , m.mk_low95
    , m.mk_high95
    , m.mk_spec
    , m.mk_spec_err
    , m.mk_system
    , m.mk_likelihood
    , m.p_companion
    , m.p_other
    , d.dis_median
    , d.dis_low95
    , d.dis_high95
    , d.parallax_offset
FROM sample.visits AS v
LEFT JOIN posterior.magnitudes AS m ON v.specid = m.specid
LEFT JOIN posterior.distances AS d ON v.specid = d.specid
;
