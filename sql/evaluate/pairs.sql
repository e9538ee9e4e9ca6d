-- Title:   The catalog of a simulated survey beside its truth (truth_stars, truth_visits)
-- Grain:   one row per spectrum of the catalog (specid).
-- Reads:   catalog.ob_stars, luminosity.good_parallax, emission.lines, model.noise_stars, meta.parameters
SELECT
    c.specid, c.uniqflag, c.snr_g, c.mk, c.mk_err, c.mk_geo, c.mk_geo_err, c.dis, c.dis_low, c.dis_high, c.ebv
    , c.ebv_err, c.binary_flag, c.em_flag, c.erroneous, c.label_source, c.teff, c.teff_err, c.logg, c.logg_err
    , c.feh, c.feh_err, c.parallax_corrected AS parallax, c.parallax_error, c.parallax_offset, c.ruwe
    , c.snr_dparallax, c.quality, g.is_train, l.halpha_significance
    , n.dropped AS noise_dropped, c.ks, c.ks_err, c.a_ks, c.a_ks_err
    , has_bit(c.quality, 'out_of_domain')::INTEGER AS out_of_domain
    , has_bit(c.quality, 'distance_edge')::INTEGER AS distance_edge
    , s.mk AS true_mk, s.mk_system AS true_mk_system, s.distance_kpc AS true_distance, s.ebv AS true_ebv
    , s.r_v AS true_r_v
    , s.teff AS true_teff, s.logg AS true_logg, s.feh AS true_feh, s.mass_ratio
    , s.true_ks, s.a_ks AS true_a_ks, s.excess_ks AS true_excess
    , s.is_binary, s.is_nebular, v.is_erroneous, v.erroneous_kind
    , coalesce(v.has_emission, s.has_emission) AS has_emission, coalesce(v.ew_halpha, s.ew_halpha) AS true_ew
    , s.ew_wind > s.ew_disc AS is_wind, s.kind, s.is_triple, s.wobble, s.parallax_offset_true
    , s.light_offset AS hidden_light
    , abs(v.rv_primary - v.rv_companion) AS rv_apart, s.flux_ratio_v
    , (SELECT distance_max FROM meta.parameters) AS distance_max
FROM catalog.ob_stars AS c
INNER JOIN truth_visits AS v ON c.specid = v.specid
INNER JOIN truth_stars AS s ON v.name = s.name
LEFT JOIN luminosity.good_parallax AS g ON c.specid = g.specid
LEFT JOIN emission.lines AS l ON c.specid = l.specid
LEFT JOIN model.noise_stars AS n ON c.star_id = n.star_id AND c.uniqflag = 1
ORDER BY c.specid
;
