-- Title:   What best mode says of every spectrum of the catalog, in the order of specid
-- Grain:   one row per spectrum of the catalog (specid).
-- Reads:   catalog.ob_stars, catalog.ob_stars_best, posterior.inputs, posterior.magnitudes, posterior.distances
SELECT
    c.specid, i.g_gaia, i.ebv AS best_ebv, b.ebv_err AS best_ebv_err, b.r_v, b.r_v_err, b.r_v_likelihood
    , b.r_v_likelihood_err, b.em_flag AS best_em_flag, b.emission_kind, i.published_offset
    , b.fault, b.rv AS best_rv, b.rv_err AS best_rv_err, c.star_id
    , has_bit(b.quality, 'out_of_domain')::INTEGER AS best_out_of_domain
    , d.parallax_offset AS best_offset
    , m.mk AS best_mk, m.mk_low, m.mk_high, m.mk_low95, m.mk_high95, m.mk_spec, m.mk_spec_err, m.mk_system
    , m.mk_likelihood, m.p_companion, m.p_other
    , d.dis AS best_dis, d.dis_median, d.dis_low AS best_dis_low, d.dis_high AS best_dis_high, d.dis_low95, d.dis_high95
FROM catalog.ob_stars AS c
LEFT JOIN catalog.ob_stars_best AS b ON c.specid = b.specid
LEFT JOIN posterior.inputs AS i ON c.specid = i.specid
LEFT JOIN posterior.magnitudes AS m ON c.specid = m.specid
LEFT JOIN posterior.distances AS d ON c.specid = d.specid
ORDER BY c.specid
;
