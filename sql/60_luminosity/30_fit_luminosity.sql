-- Title:   The two networks from coefficients to absolute magnitude, with binaries rejected twice.
-- Grain:   one row per spectrum (star_id, visit) of the stars with a good parallax, of the sample or added to it: the best, and the second best where there is one.
-- Reads:   luminosity.good_parallax, luminosity.geometric, luminosity.supplement, spectra.scores, training.spectra, emission.lines, sample.visits, sample.stars, extinction.reddening, meta.parameters
-- Fit:     luminosity.luminosity
-- Parameters: emission_chooses, network_scores, hidden_neurons, dropout, rejection_iterations, binary_nsigma, network_seed, network_min_stars, batch_size, epochs, learning_rate, train_huber, score_noise_min_stars, domain_bright_fraction
-- Paper:   sections 5.1, 5.2, 6, Eq. 6
WITH seen AS (
    SELECT star_id, specid, snr_g, 1 AS visit FROM luminosity.good_parallax
    UNION ALL
    SELECT t.star_id, v.specid, v.snr_g, 2
    FROM luminosity.good_parallax AS t
    INNER JOIN sample.visits AS v ON t.star_id = v.star_id AND v.uniqflag = 2
    INNER JOIN emission.lines AS l ON v.specid = l.specid AND l.erroneous = 0
)
, typical AS (
    SELECT median(snr_g) AS snr_g FROM sample.visits WHERE uniqflag = 1
)
SELECT t.star_id, v.specid, v.visit, t.em_flag, c.score_clean, c.score_full, g.mk_geo, g.mk_geo_err, s.ks, s.ks_err
    , e.a_ks, e.a_ks_err, s.parallax_corrected AS parallax, s.parallax_error, v.snr_g, m.snr_g AS snr_typical
    , 1 AS loss_weight, t.is_train = 1 AS is_train
FROM seen AS v
INNER JOIN luminosity.good_parallax AS t ON v.star_id = t.star_id
INNER JOIN spectra.scores AS c ON v.specid = c.specid
INNER JOIN luminosity.geometric AS g ON t.star_id = g.star_id
INNER JOIN sample.stars AS s ON t.star_id = s.star_id
INNER JOIN extinction.reddening AS e ON t.star_id = e.star_id
CROSS JOIN typical AS m
UNION ALL
SELECT t.star_id, t.specid, 1, t.em_flag, c.score_clean, c.score_full, t.mk_geo, t.mk_geo_err, t.ks, t.ks_err
    , t.a_ks, t.a_ks_err, t.parallax_corrected, t.parallax_error, t.snr_g, m.snr_g
    , 1 - (1 - p.supplement_weight) * t.luminous, t.is_train = 1
FROM luminosity.supplement AS t
INNER JOIN training.spectra AS c USING (specid)
CROSS JOIN typical AS m
CROSS JOIN meta.parameters AS p
ORDER BY star_id, visit
;
