-- Title:   Stars that have labels in the table, and the coefficients of their best spectra: what the fits of labels learn from.
-- Grain:   one row per star (star_id), no more than fit_max_stars of them.
-- Reads:   spectra.scores, emission.lines, sample.visits, sample.label_matches, stage.labels, meta.parameters
-- Paper:   METHOD section 3
CREATE VIEW extinction.labelled AS
SELECT v.star_id, v.specid, v.snr_g, c.score_clean, l.teff, l.teff_err, l.logg, l.logg_err, l.feh
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
;
