-- Title:   Teff, log g and [Fe/H] learnt from the coefficients of stars that have them.
-- Grain:   one row per star with labels: its best spectrum.
-- Reads:   extinction.labelled, meta.parameters
-- Fit:     labels.labels
-- Parameters: label_min_stars, label_trees, label_leaves, label_min_leaf, label_learning_rate, label_seed
-- Paper:   METHOD section 3
SELECT l.star_id, l.specid, l.score_clean, l.teff, l.logg, l.feh
    , meta.hash_fraction(l.star_id) < p.train_fraction AS is_train
FROM extinction.labelled AS l
CROSS JOIN meta.parameters AS p
WHERE l.feh IS NOT NULL
ORDER BY l.star_id
;
