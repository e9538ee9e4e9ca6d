-- Title:   Where ordinary stars lie: training stars in the leading coefficients, limits of distance and misfit by S/N.
-- Grain:   one row per ordinary star, of the sample or added to it: its best spectrum.
-- Reads:   sample.visits, stage.headers, spectra.scores, emission.lines, extinction.joined_labels, luminosity.magnitudes, luminosity.good_parallax, luminosity.geometric, luminosity.supplement, training.spectra, meta.parameters
-- Fit:     limits.domain
-- Parameters: network_min_stars, domain_components, domain_far_fraction, domain_misfit_fraction, domain_misfit_factor
-- Paper:   section 5.2; METHOD section 4
SELECT v.star_id, c.score_clean, v.snr_g, e.clean_chi2
    , coalesce(t.is_train = 1 AND NOT g.mk_geo > p.mk_faint_limit, false) AS is_train
FROM sample.visits AS v
CROSS JOIN meta.parameters AS p
INNER JOIN stage.headers AS h ON v.specid = h.specid
INNER JOIN spectra.scores AS c ON v.specid = c.specid
INNER JOIN emission.lines AS e ON v.specid = e.specid
INNER JOIN extinction.joined_labels AS l ON v.star_id = l.star_id
INNER JOIN luminosity.magnitudes AS m ON v.specid = m.specid
LEFT JOIN luminosity.good_parallax AS t ON v.specid = t.specid
LEFT JOIN luminosity.geometric AS g ON v.star_id = g.star_id
WHERE v.uniqflag = 1 AND c.score_clean IS NOT NULL AND e.erroneous = 0 AND m.beyond_training = 0
    AND coalesce(l.teff > p.domain_teff, true) AND coalesce(l.logg - l.logg_err / 2 < p.domain_logg, true)
    AND h.is_other IS DISTINCT FROM 1
UNION ALL
SELECT t.star_id, c.score_clean, t.snr_g, NULL, true
FROM luminosity.supplement AS t
INNER JOIN training.spectra AS c USING (specid)
WHERE t.is_train = 1 AND c.score_clean IS NOT NULL
ORDER BY star_id
;
