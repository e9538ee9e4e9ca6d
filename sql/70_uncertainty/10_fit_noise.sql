-- Title:   Slope, offset, intrinsic and measurement scatter of the spectroscopic magnitudes of test stars.
-- Grain:   one row per star with a good parallax: its best spectrum; those that trained tell how good parallaxes are.
-- Reads:   luminosity.good_parallax, luminosity.magnitudes, sample.visits, emission.lines, sample.stars, extinction.reddening, meta.parameters
-- Fit:     noise.noise
-- Parameters: noise_nsigma, noise_min_stars, noise_walkers, noise_steps, noise_seed
-- Paper:   section 5.3, Eq. 7-14
WITH again AS (
    SELECT v.star_id, v.snr_g, m.mk, l.em_flag
    FROM sample.visits AS v
    INNER JOIN luminosity.magnitudes AS m USING (specid)
    INNER JOIN emission.lines AS l USING (specid)
    WHERE v.uniqflag = 2 AND l.erroneous = 0
)
SELECT t.star_id, t.em_flag, t.is_train, m.mk, t.snr_g, s.ks, s.ks_err, e.a_ks, e.a_ks_err
    , s.parallax_corrected AS parallax, s.parallax_error, a.mk AS mk_again, a.snr_g AS snr_again
FROM luminosity.good_parallax AS t
INNER JOIN luminosity.magnitudes AS m USING (specid)
INNER JOIN sample.stars AS s ON t.star_id = s.star_id
INNER JOIN extinction.reddening AS e ON t.star_id = e.star_id
LEFT JOIN again AS a ON t.star_id = a.star_id AND t.em_flag = a.em_flag
CROSS JOIN meta.parameters AS p
WHERE m.mk IS NOT NULL
QUALIFY row_number() OVER (ORDER BY meta.hash_fraction(t.star_id), t.star_id) <= p.fit_max_stars
ORDER BY t.star_id
;
