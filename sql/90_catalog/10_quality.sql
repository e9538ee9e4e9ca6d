-- Title:   What limits each row, as a sum of bits: each bit of meta.quality_bits by its name, and when it is set.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, stage.headers, sample.stars, spectra.normalised, emission.lines, uncertainty.errors, extinction.labels, extinction.reddening, luminosity.geometric, luminosity.magnitudes, luminosity.domain, binarity.excess, binarity.without_ks, distance.distances, meta.parameters, meta.quality_bits
-- Paper:   METHOD sections 1 to 7
INSERT INTO catalog.quality BY NAME
WITH fitted AS (
    SELECT count(*) > 0 AS scores FROM luminosity.domain
)
, networks AS (
    SELECT coalesce(list(DISTINCT e.em_flag), []) AS trained
    FROM luminosity.magnitudes AS m
    INNER JOIN emission.lines AS e USING (specid)
    WHERE m.mk IS NOT NULL
)
, limits AS (
    SELECT v.specid, unnest([
        ('no_rest_frame', h.z IS NULL)
        , ('masked', n.masked_fraction > p.pca_max_masked
            OR (f.scores AND n.masked_fraction IS NOT NULL
                AND (o.specid IS NULL OR (m.mk IS NULL AND list_contains(w.trained, l.em_flag)))))
        , ('high_ivar', h.n_high_ivar > 0)
        , ('erroneous', l.erroneous = 1)
        , ('snr_computed', h.snr_g_computed)
        , ('obsid_impossible', h.obsid_impossible)
        , ('no_gaia', s.parallax_corrected IS NULL)
        , ('no_ks', s.ks IS NULL)
        , ('no_labels', t.teff IS NULL)
        , ('labels_regressed', t.label_source = 'regression')
        , ('labels_outside', e.outside > 0)
        , ('no_colours', t.teff IS NOT NULL AND e.ebv IS NULL)
        , ('negative_ebv', e.ebv < p.ebv_negative_nsigma * e.ebv_err)
        , ('no_mk', m.mk IS NULL)
        , ('no_em_flag', l.em_flag IS NULL)
        , ('parallax_negative', s.parallax_corrected IS NOT NULL
            AND meta.positive_parallax(s.parallax_corrected, s.parallax_error) IS NULL)
        , ('no_models', NOT f.scores OR (m.mk IS NULL AND NOT list_contains(w.trained, l.em_flag))
            OR (m.mk IS NOT NULL AND u.mk_err IS NULL AND v.snr_g IS NOT NULL))
        , ('no_snr', v.snr_g IS NULL)
        , ('out_of_domain', 1 IN (o.out_of_domain, b.off_plane, k.off_plane) OR ((s.ruwe > p.domain_ruwe) IS NOT TRUE
            AND (k.fainter = 1 OR g.mk_geo - p.domain_parallax_nsigma * g.mk_geo_err > p.mk_faint_limit
                OR -b.snr_dparallax > if(m.mk < p.domain_luminous, p.domain_luminous_nsigma, p.domain_excess_nsigma))))
        , ('cool', o.cool = 1)
        , ('compact', o.compact = 1)
        , ('misfit', o.misfit = 1)
        , ('other_class', h.is_other = 1)
        , ('parallax_only', s.parallax_corrected IS NOT NULL
            AND (m.mk IS NULL OR b.binary_flag = 1 OR s.ks IS NULL OR e.a_ks IS NULL))
        , ('spectrum_only', s.parallax_corrected IS NULL AND m.mk + s.ks + e.a_ks IS NOT NULL)
        , ('distance_edge', d.edge = 1)
        , ('parallax_poor', d.dis IS NULL AND s.parallax_corrected IS NOT NULL
            AND (m.mk IS NULL OR b.binary_flag = 1 OR s.ks IS NULL OR e.a_ks IS NULL))
        , ('ivar_contradicts', h.ivar_contradicts)
        , ('distance_wide', d.dis IS NULL AND d.edge = 0 AND b.binary_flag IS DISTINCT FROM 1
            AND m.mk IS NOT NULL AND s.ks IS NOT NULL AND e.a_ks IS NOT NULL)
    ]) AS bit
    FROM sample.visits AS v
    CROSS JOIN meta.parameters AS p
    INNER JOIN stage.headers AS h ON v.specid = h.specid
    INNER JOIN sample.stars AS s ON v.star_id = s.star_id
    LEFT JOIN spectra.normalised AS n ON v.specid = n.specid
    CROSS JOIN fitted AS f
    CROSS JOIN networks AS w
    LEFT JOIN uncertainty.errors AS u ON v.specid = u.specid
    LEFT JOIN emission.lines AS l ON v.specid = l.specid
    LEFT JOIN extinction.labels AS t ON v.star_id = t.star_id
    LEFT JOIN extinction.reddening AS e ON v.star_id = e.star_id
    LEFT JOIN luminosity.geometric AS g ON v.star_id = g.star_id
    LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
    LEFT JOIN luminosity.domain AS o ON v.specid = o.specid
    LEFT JOIN binarity.excess AS b ON v.specid = b.specid
    LEFT JOIN binarity.without_ks AS k ON v.specid = k.specid
    LEFT JOIN distance.distances AS d ON v.specid = d.specid
)
SELECT l.specid, coalesce(sum(b.bit) FILTER (l.bit[2]), 0)::INTEGER AS quality
FROM limits AS l
INNER JOIN meta.quality_bits AS b ON l.bit[1] = b.name
GROUP BY l.specid
ORDER BY l.specid
;
