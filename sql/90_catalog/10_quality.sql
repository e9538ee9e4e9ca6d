-- Title:   What limits each row, as a sum of bits: see meta.quality_bits.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, stage.headers, sample.stars, emission.spectra, emission.lines, extinction.labels, extinction.reddening, luminosity.geometric, luminosity.magnitudes, binarity.excess, distance.distances, meta.parameters
-- Paper:   METHOD sections 1 to 7
INSERT INTO catalog.quality BY NAME
SELECT
    v.specid
    ,
    1 * coalesce(h.z IS NULL, false)::INTEGER
    + 2 * coalesce(n.masked_fraction > p.pca_max_masked, false)::INTEGER
    + 4 * coalesce(h.n_high_ivar > 0, false)::INTEGER
    + 8 * coalesce(l.erroneous = 1, false)::INTEGER
    + 16 * coalesce(h.snr_g_computed, false)::INTEGER
    + 32 * coalesce(h.obsid_impossible, false)::INTEGER
    + 64 * coalesce(s.parallax_corrected IS NULL, false)::INTEGER
    + 128 * coalesce(s.ks IS NULL, false)::INTEGER
    + 256 * coalesce(t.teff IS NULL, false)::INTEGER
    + 512 * coalesce(t.label_source = 'regression', false)::INTEGER
    + 1024 * coalesce(e.outside > 0, false)::INTEGER
    + 2048 * coalesce(t.teff IS NOT NULL AND e.ebv IS NULL, false)::INTEGER
    + 4096 * coalesce(e.ebv < p.ebv_negative_nsigma * e.ebv_err, false)::INTEGER
    + 8192 * coalesce(m.mk IS NULL, false)::INTEGER
    + 16384 * coalesce(
        m.out_of_domain = 1
        OR m.mk > p.mk_faint_limit
        OR g.mk_geo - g.mk_geo_err > p.mk_faint_limit
        , false)::INTEGER
    + 32768 * coalesce(
        d.dis IS NOT NULL AND (m.mk IS NULL OR b.binary_flag = 1 OR s.ks IS NULL OR e.a_ks IS NULL), false
    )::INTEGER
    + 65536 * coalesce(d.dis IS NOT NULL AND s.parallax_corrected IS NULL, false)::INTEGER
    + 131072 * coalesce(d.edge = 1, false)::INTEGER
        AS quality
FROM sample.visits AS v
CROSS JOIN meta.parameters AS p
INNER JOIN stage.headers AS h ON v.specid = h.specid
INNER JOIN sample.stars AS s ON v.star_id = s.star_id
LEFT JOIN emission.spectra AS n ON v.specid = n.specid
LEFT JOIN emission.lines AS l ON v.specid = l.specid
LEFT JOIN extinction.labels AS t ON v.star_id = t.star_id
LEFT JOIN extinction.reddening AS e ON v.star_id = e.star_id
LEFT JOIN luminosity.geometric AS g ON v.star_id = g.star_id
LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
LEFT JOIN binarity.excess AS b ON v.specid = b.specid
LEFT JOIN distance.distances AS d ON v.specid = d.specid
ORDER BY v.specid
;
