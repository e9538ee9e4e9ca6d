-- Title:   Teff and log g as quadratics of the leading coefficients, which go on beyond the labels they learnt from.
-- Grain:   one row per star with labels in the table: its best spectrum.
-- Reads:   sample.visits, spectra.scores, emission.lines, sample.label_matches, stage.labels, meta.parameters
-- Fit:     label_curves.joined_labels
-- Parameters: label_min_stars, joined_components, joined_limit, joined_ridge, joined_clip
SELECT v.star_id, c.score_clean, v.snr_g, l.teff, l.teff_err, l.logg, l.logg_err
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
WHERE e.erroneous = 0 AND c.score_clean IS NOT NULL
    AND l.teff IS NOT NULL AND l.logg IS NOT NULL
ORDER BY v.star_id
;
