-- Title:   Slope, offset, intrinsic and measurement scatter of the spectroscopic magnitudes of test stars.
-- Grain:   one row per test star: its best spectrum.
-- Reads:   luminosity.good_parallax, luminosity.magnitudes, sample.stars, extinction.reddening
-- Fit:     noise.noise
-- Parameters: noise_nsigma, noise_min_stars, noise_walkers, noise_steps, noise_seed
-- Paper:   section 5.3, Eq. 7-14
SELECT t.star_id, t.em_flag, m.mk, t.snr_g, s.ks, s.ks_err, e.a_ks, e.a_ks_err
    , s.parallax_corrected AS parallax, s.parallax_error
FROM luminosity.good_parallax AS t
INNER JOIN luminosity.magnitudes AS m USING (specid)
INNER JOIN sample.stars AS s ON t.star_id = s.star_id
INNER JOIN extinction.reddening AS e ON t.star_id = e.star_id
WHERE t.is_train = 0 AND m.mk IS NOT NULL
ORDER BY t.star_id
;
