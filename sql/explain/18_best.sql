-- Title:   What only best mode says
-- Grain:   one row.
-- Reads:   catalog.ob_stars_best
-- Mode:    best
SELECT mk_low95, mk_low, mk_high, mk_high95, mk_spec, mk_spec_err, mk_system, mk_likelihood
    , dis_low95, dis_low, dis_median, dis_high, dis_high95, p_companion, p_other
    , r_v, r_v_err, n_bands, chi2, worst_band, worst_z, excess_ks, excess_ks_err
    , halpha_significance, emission_kind, p_kind, peak_separation, peak_separation_err
    , fault, rv_blue, rv_red, n_visits, ln_bf_rv, ruwe_z, ln_bf_binary
FROM catalog.ob_stars_best
WHERE specid = $specid
;
