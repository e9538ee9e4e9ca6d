-- Title:   Training stars from outside the sample: what the networks learn from; train or test as the sample's stars.
-- Grain:   one row per star (star_id): its best spectrum.
-- Reads:   training.stars, training.spectra, training.reddening, meta.parameters
-- Paper:   sections 5.1 and 5.2; METHOD section 4
INSERT INTO luminosity.supplement BY NAME
SELECT s.star_id, s.specid, s.snr_g, c.em_flag
    , meta.abs_mag(s.ks, e.a_ks, s.parallax_corrected) AS mk_geo
    , meta.abs_mag_err(s.ks_err, e.a_ks_err, s.parallax_corrected, s.parallax_error) AS mk_geo_err
    , s.ks, s.ks_err, e.a_ks, e.a_ks_err, s.parallax_corrected, s.parallax_error
    , greatest(0, least(1, 1 - (mk_geo - p.supplement_least_mk) / p.supplement_ramp)) AS luminous
    , (s.snr_g > p.train_min_snr_g AND meta.hash_fraction(s.star_id) < p.train_fraction)::SMALLINT AS is_train
FROM training.stars AS s
INNER JOIN training.spectra AS c USING (specid)
INNER JOIN training.reddening AS e ON s.star_id = e.star_id
CROSS JOIN meta.parameters AS p
WHERE s.parallax_corrected / s.parallax_error > p.train_min_parallax_snr AND mk_geo IS NOT NULL AND s.snr_g IS NOT NULL
    AND c.em_flag IS NOT NULL AND c.erroneous = 0 AND c.score_clean IS NOT NULL AND c.score_full IS NOT NULL
ORDER BY s.star_id
;
