-- Title:   Networks from coefficients to luminosity, each blind to the stars it judges; zero point, Galaxy, dust, companions.
-- Grain:   one row per spectrum of the sample, the best one of a star first; best spectra train, repeats teach the noise.
-- Reads:   posterior.inputs
-- Fit:     spectro_parallax.posterior
-- Parameters: posterior_folds, posterior_min_stars, posterior_few_stars, posterior_max_stars, posterior_global_stars, posterior_rounds, posterior_seed, posterior_hidden_neurons, posterior_dropout, posterior_epochs, posterior_warm_epochs, posterior_batch_size, posterior_learning_rate, posterior_warm_learning_rate, posterior_weight_decay, posterior_companion_pull, posterior_zero_point_error, posterior_zero_point_colour_error, posterior_zero_point_sky_error, posterior_global_steps
-- Mode:    best
SELECT star_id, uniqflag, fold, snr_g, score, ks0, ks0_err, ebv
    , parallax_corrected AS parallax, parallax_error, g_gaia, ruwe, glon, glat, nu_eff, is_train
FROM posterior.inputs
WHERE score IS NOT NULL AND snr_g > 0
ORDER BY star_id, uniqflag
;
