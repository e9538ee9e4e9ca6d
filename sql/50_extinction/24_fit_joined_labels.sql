-- Title:   Teff and log g as quadratics of the leading coefficients, which go on beyond the labels they learnt from.
-- Grain:   one row per star with labels in the table: its best spectrum.
-- Reads:   extinction.labelled
-- Fit:     labels.joined_labels
-- Parameters: label_min_stars, joined_components, joined_limit, joined_ridge, joined_clip
SELECT star_id, score_clean, snr_g, teff, teff_err, logg, logg_err
FROM extinction.labelled
WHERE teff IS NOT NULL AND logg IS NOT NULL
ORDER BY star_id
;
