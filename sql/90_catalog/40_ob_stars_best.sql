-- Title:   The catalog of best mode: the columns of Table 1 in the paper's order, then ours.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   catalog.ob_stars, catalog.best_estimates, lines.emission, reddening.dust, visits.velocities, visits.faults, stars.variability, extinction.best_labels, meta.parameters
-- Mode:    best
INSERT INTO catalog.ob_stars_best BY NAME
WITH offsets AS (
    SELECT o.* REPLACE (
            coalesce(e.parallax_offset, o.parallax_offset) AS parallax_offset
            , o.parallax - coalesce(e.parallax_offset, o.parallax_offset) AS parallax_corrected
        )
    FROM catalog.ob_stars AS o
    INNER JOIN catalog.best_estimates AS e ON o.specid = e.specid
)
, best AS (
    SELECT
        o.* EXCLUDE (mk, mk_err, dis, dis_low, dis_high, logdis, logdis_err) REPLACE (
            coalesce(x.rv, o.rv) AS rv
            , CASE WHEN x.rv IS NULL THEN o.rv_err ELSE x.rv_err END AS rv_err
            , meta.abs_mag(o.ks, r.a_ks, meta.positive_parallax(o.parallax_corrected, o.parallax_error)) AS mk_geo
            , meta.abs_mag_err(
                o.ks_err, r.a_ks_err, meta.positive_parallax(o.parallax_corrected, o.parallax_error), o.parallax_error
            ) AS mk_geo_err
            , r.ebv AS ebv
            , r.ebv_err AS ebv_err
            , (e.p_companion > p.best_companion_threshold)::SMALLINT AS binary_flag
            , CASE WHEN f.fault IS NULL OR l.em_flag = 0
                OR (l.halpha_significance > p.em_despite_fault AND (o.em_flag = 1 OR f.arm_gain <= p.fault_arm_gain))
                THEN l.em_flag END AS em_flag
            , (f.fault IS NOT NULL)::SMALLINT AS erroneous
            , l.halpha_ew AS halpha_ew
            , p.sun_x + e.dis * meta.galactic_unit_x(o.ra, o.dec) AS x
            , e.dis * meta.galactic_unit_y(o.ra, o.dec) AS y
            , p.sun_z + e.dis * meta.galactic_unit_z(o.ra, o.dec) AS z
            , t.teff AS teff
            , t.teff_err AS teff_err
            , t.logg AS logg
            , t.logg_err AS logg_err
            , t.feh AS feh
            , t.feh_err AS feh_err
            , r.a_ks AS a_ks
            , r.a_ks_err AS a_ks_err
            , meta.parallax_of(e.mk_spec, o.ks, r.a_ks) AS parallax_spec
            , meta.parallax_of_err(meta.parallax_of(e.mk_spec, o.ks, r.a_ks), e.mk_spec_err, o.ks_err, r.a_ks_err)
            AS parallax_spec_err
        )
        , f.fault
        , x.rv_blue
        , x.rv_red
        , y.n_visits
        , y.ln_bf_rv
        , y.ruwe_z
        , CASE WHEN coalesce(y.ln_bf_rv, y.ruwe_z, e.p_companion) IS NOT NULL THEN
            meta.velocity_evidence(y.ln_bf_rv, p.binary_share) + meta.ruwe_evidence(y.ruwe_z, p.ruwe_bayes_cap)
            + meta.light_evidence(e.p_companion, p.binary_share) END AS ln_bf_binary
        , l.halpha_ew_err
        , l.halpha_significance
        , l.emission_kind
        , l.p_kind
        , l.peak_separation
        , l.peak_separation_err
        , r.r_v
        , r.r_v_err
        , r.r_v_likelihood
        , r.r_v_likelihood_err
        , r.n_bands
        , r.chi2
        , r.worst_z
        , r.ks_model
        , r.ks_model_err
        , r.excess_j
        , r.excess_j_err
        , r.excess_h
        , r.excess_h_err
        , r.excess_ks
        , r.excess_ks_err
        , ['B', 'g APASS', 'g', 'BP', 'V', 'r APASS', 'r', 'i APASS', 'i', 'RP', 'J', 'H', 'Ks'][r.worst] AS worst_band
        , e.* EXCLUDE (specid, parallax_offset)
    FROM offsets AS o
    CROSS JOIN meta.parameters AS p
    INNER JOIN catalog.best_estimates AS e ON o.specid = e.specid
    LEFT JOIN visits.velocities AS x ON o.specid = x.specid
    LEFT JOIN visits.faults AS f ON o.specid = f.specid
    LEFT JOIN stars.variability AS y ON o.star_id = y.star_id
    LEFT JOIN lines.emission AS l ON o.specid = l.specid
    LEFT JOIN reddening.dust AS r ON o.star_id = r.star_id
    LEFT JOIN extinction.best_labels AS t ON o.star_id = t.star_id
)
SELECT
    s.* EXCLUDE (n_colours, gri_source, label_source, halpha_excess, halpha_excess_err) REPLACE (
        (s.parallax_spec - s.parallax_corrected) / sqrt(s.parallax_spec_err ** 2 + s.parallax_error ** 2)
        AS snr_dparallax
    )
FROM best AS s
ORDER BY s.specid
;
