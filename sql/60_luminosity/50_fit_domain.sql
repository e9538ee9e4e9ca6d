-- Title:   Where ordinary stars lie: training stars in the leading coefficients, limits of distance and misfit by S/N.
-- Grain:   one row per ordinary star, of the sample or added to it: its best spectrum.
-- Reads:   luminosity.domain_inputs, luminosity.good_parallax, luminosity.geometric, luminosity.supplement, training.spectra, meta.parameters
-- Fit:     luminosity.domain
-- Parameters: network_min_stars, domain_components, domain_far_fraction, domain_misfit_fraction, domain_misfit_factor
-- Paper:   section 5.2; METHOD section 4
SELECT i.star_id, i.score_clean, i.snr_g, i.clean_chi2
    , coalesce(t.is_train = 1 AND NOT g.mk_geo > p.mk_faint_limit, false) AS is_train
FROM luminosity.domain_inputs AS i
CROSS JOIN meta.parameters AS p
LEFT JOIN luminosity.good_parallax AS t ON i.specid = t.specid
LEFT JOIN luminosity.geometric AS g ON i.star_id = g.star_id
WHERE i.uniqflag = 1 AND i.erroneous = 0 AND i.beyond_training = 0
    AND coalesce(i.teff > p.domain_teff, true)
    AND coalesce(i.logg - p.domain_logg_nsigma * i.logg_err < p.domain_logg, true)
    AND i.is_other IS DISTINCT FROM 1
UNION ALL
SELECT t.star_id, c.score_clean, t.snr_g, NULL, true
FROM luminosity.supplement AS t
INNER JOIN training.spectra AS c USING (specid)
WHERE t.is_train = 1 AND c.score_clean IS NOT NULL
ORDER BY star_id
;
