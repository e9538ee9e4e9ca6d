-- Title:   Labels of every star: those of the label table, else those regressed from its coefficients.
-- Grain:   one row per star (star_id).
-- Reads:   sample.visits, spectra.scores, sample.label_matches, stage.labels
-- UDFs:    predict_labels
-- Paper:   section 4; METHOD section 3
INSERT INTO extinction.labels BY NAME
WITH predicted AS MATERIALIZED (
    SELECT v.star_id, unnest(predict_labels(c.score_clean))
    FROM sample.visits AS v
    INNER JOIN spectra.scores AS c USING (specid)
    WHERE v.uniqflag = 1
)
, given AS (
    SELECT m.star_id, l.teff, l.teff_err, l.logg, l.logg_err, l.feh, l.feh_err, l.label_source
    FROM sample.label_matches AS m
    INNER JOIN stage.labels AS l ON m.row = l.row
    WHERE m.chosen = 1
)
SELECT
    p.star_id
    , CASE WHEN g.star_id IS NULL THEN p.teff ELSE g.teff END AS teff
    , CASE WHEN g.star_id IS NULL THEN p.teff_err ELSE g.teff_err END AS teff_err
    , CASE WHEN g.star_id IS NULL THEN p.logg ELSE g.logg END AS logg
    , CASE WHEN g.star_id IS NULL THEN p.logg_err ELSE g.logg_err END AS logg_err
    , coalesce(g.feh, p.feh) AS feh
    , CASE WHEN g.feh IS NULL THEN p.feh_err ELSE g.feh_err END AS feh_err
    , CASE WHEN g.star_id IS NOT NULL THEN g.label_source WHEN p.teff IS NOT NULL THEN 'regression' END AS label_source
FROM predicted AS p
LEFT JOIN given AS g USING (star_id)
ORDER BY p.star_id
;
