-- Title:   Stars whose parallax can teach or test: train or test by the hash of their name.
-- Grain:   one row per star (star_id): its best spectrum.
-- Reads:   luminosity.geometric, sample.visits, emission.lines, spectra.scores, meta.parameters
-- Paper:   section 5.2
INSERT INTO luminosity.good_parallax BY NAME
SELECT g.star_id, v.specid, v.snr_g, e.em_flag
    , (v.snr_g > p.train_min_snr_g AND meta.hash_fraction(g.star_id) < p.train_fraction)::SMALLINT AS is_train
FROM luminosity.geometric AS g
INNER JOIN sample.visits AS v ON g.star_id = v.star_id AND v.uniqflag = 1
INNER JOIN emission.lines AS e USING (specid)
INNER JOIN spectra.scores AS c USING (specid)
CROSS JOIN meta.parameters AS p
WHERE g.parallax_snr > p.train_min_parallax_snr AND g.mk_geo < p.train_faint_limit AND v.snr_g IS NOT NULL
    AND e.em_flag IS NOT NULL AND e.erroneous = 0 AND c.score_clean IS NOT NULL AND c.score_full IS NOT NULL
ORDER BY g.star_id
;
