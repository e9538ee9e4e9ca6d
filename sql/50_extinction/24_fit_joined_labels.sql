-- Title:   Teff and log g as quadratics of the leading coefficients, which go on beyond the labels they learnt from.
-- Grain:   one row per star with labels in the table: its best spectrum.
-- Reads:   sample.visits, spectra.scores, emission.lines, sample.label_matches, stage.labels
-- Fit:     label_curves.joined_labels
-- Parameters: label_min_stars, joined_components, joined_limit, joined_ridge, joined_clip
SELECT v.star_id, c.score_clean, v.snr_g, l.teff, l.teff_err, l.logg, l.logg_err
FROM sample.visits AS v
INNER JOIN spectra.scores AS c USING (specid)
INNER JOIN emission.lines AS e USING (specid)
INNER JOIN sample.label_matches AS m ON v.star_id = m.star_id AND m.chosen = 1
INNER JOIN stage.labels AS l ON m.row = l.row
WHERE v.uniqflag = 1 AND e.erroneous = 0 AND c.score_clean IS NOT NULL
    AND l.teff IS NOT NULL AND l.logg IS NOT NULL
ORDER BY v.star_id
;
