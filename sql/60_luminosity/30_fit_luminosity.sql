-- Title:   The two networks from coefficients to absolute magnitude, with binaries rejected twice.
-- Grain:   one row per star with a good parallax: its best spectrum.
-- Reads:   luminosity.good_parallax, luminosity.geometric, spectra.scores, sample.stars, extinction.reddening
-- Fit:     luminosity.luminosity
-- Parameters: hidden_neurons, dropout, rejection_iterations, binary_nsigma, network_seed, network_min_stars, batch_size, epochs, learning_rate, domain_bright_fraction
-- Paper:   sections 5.1, 5.2, 6, Eq. 6
SELECT t.star_id, t.specid, t.em_flag, c.score_clean, c.score_full, g.mk_geo, g.mk_geo_err, s.ks, s.ks_err
    , e.a_ks, e.a_ks_err, s.parallax_corrected AS parallax, s.parallax_error, t.snr_g, t.is_train = 1 AS is_train
FROM luminosity.good_parallax AS t
INNER JOIN spectra.scores AS c USING (specid)
INNER JOIN luminosity.geometric AS g ON t.star_id = g.star_id
INNER JOIN sample.stars AS s ON t.star_id = s.star_id
INNER JOIN extinction.reddening AS e ON t.star_id = e.star_id
ORDER BY t.star_id
;
