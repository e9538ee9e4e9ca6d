-- Title:   Networks from coefficients to luminosity, each blind to the stars it judges; zero point, Galaxy, dust, companions.
-- Grain:   one row per spectrum of the sample, the best one of a star first; best spectra train, repeats teach the noise; then one per star added to it.
-- Reads:   posterior.inputs, luminosity.supplement, training.stars, training.spectra, training.labels, meta.parameters
-- Fit:     spectro_parallax.posterior
-- Parameters: posterior_folds, posterior_min_stars, posterior_few_stars, posterior_max_stars, posterior_global_stars, posterior_rounds, posterior_seed, posterior_hidden_neurons, posterior_dropout, posterior_epochs, posterior_warm_epochs, posterior_batch_size, posterior_learning_rate, posterior_warm_learning_rate, posterior_weight_decay, posterior_companion_pull, posterior_companion_logit, posterior_stray, posterior_far_magnitude, posterior_far_nsigma, posterior_noise_bin, posterior_noise_pairs, posterior_shift_stars, posterior_zero_point_error, posterior_zero_point_colour_error, posterior_zero_point_sky_error, posterior_first_floor, posterior_outside_slope, posterior_imprint_stars, posterior_global_steps
-- Mode:    best
SELECT star_id, uniqflag, fold, snr_g, score, own_emission, ks0, ks0_err, ebv
    , parallax_corrected AS parallax, parallax_error, g_gaia, ruwe, glon, glat, nu_eff, teff, logg
    , is_train, 1 AS loss_weight, false AS is_outside
FROM posterior.inputs
WHERE score IS NOT NULL AND snr_g > 0
UNION ALL
SELECT s.star_id, 1, floor(p.posterior_folds * meta.hash_fraction(s.star_id))::SMALLINT
    , s.snr_g, c.score_full[1:30]::FLOAT[30], NULL, s.ks - s.a_ks
    , sqrt(s.ks_err ** 2 + s.a_ks_err ** 2 + p.magnitude_error_floor ** 2), NULL
    , s.parallax_corrected, s.parallax_error, NULL, NULL
    , galactic_l(t.ra, t.dec), galactic_b(t.ra, t.dec), NULL, l.teff, l.logg, true
    , p.posterior_outside_weight, true
FROM luminosity.supplement AS s
INNER JOIN training.spectra AS c USING (specid)
INNER JOIN training.stars AS t ON s.star_id = t.star_id
LEFT JOIN training.labels AS l ON s.star_id = l.star_id
CROSS JOIN meta.parameters AS p
WHERE s.snr_g > 0 AND s.ks_err + s.a_ks_err IS NOT NULL
ORDER BY star_id, uniqflag
;
