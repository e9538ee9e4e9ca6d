-- Title:   Teff, log g and [Fe/H] learnt from the coefficients of stars that have them.
-- Grain:   one row per star with labels: its best spectrum.
-- Reads:   spectra.scores, emission.lines, sample.visits, sample.label_matches, stage.labels, meta.parameters
-- Fit:     labels.labels
-- Parameters: label_min_stars, label_trees, label_leaves, label_min_leaf, label_learning_rate, label_seed
-- Paper:   METHOD section 3
SELECT v.star_id, v.specid, c.score_clean, l.teff, l.logg, l.feh
    , meta.hash_fraction(v.star_id) < p.train_fraction AS is_train
FROM (
    SELECT v.star_id, v.specid, v.snr_g, m.row
    FROM sample.visits AS v
    INNER JOIN sample.label_matches AS m ON v.star_id = m.star_id AND m.chosen = 1
    CROSS JOIN meta.parameters AS p
    WHERE v.uniqflag = 1
    QUALIFY row_number() OVER (ORDER BY meta.hash_fraction(v.star_id), v.star_id) <= p.fit_max_stars
) AS v
INNER JOIN spectra.scores AS c USING (specid)
INNER JOIN emission.lines AS e USING (specid)
INNER JOIN stage.labels AS l ON v.row = l.row
CROSS JOIN meta.parameters AS p
WHERE e.erroneous = 0 AND c.score_clean IS NOT NULL AND l.feh IS NOT NULL
ORDER BY v.star_id
;
