-- Title:   Labels of the training stars: their own, else those regressed from the coefficients, with errors of the regression.
-- Grain:   one row per star (star_id).
-- Reads:   training.stars, training.spectra, stage.training
-- UDFs:    predict_labels
-- Paper:   section 4; METHOD section 3
INSERT INTO training.labels BY NAME
WITH predicted AS (
    SELECT s.star_id, s.row, unnest(predict_labels(c.score_clean))
    FROM training.stars AS s
    INNER JOIN training.spectra AS c USING (specid)
)
SELECT
    p.star_id
    , CASE WHEN t.teff IS NOT NULL AND t.logg IS NOT NULL THEN t.teff ELSE p.teff END AS teff
    , CASE WHEN t.teff IS NOT NULL AND t.logg IS NOT NULL THEN t.logg ELSE p.logg END AS logg
    , coalesce(t.feh, p.feh) AS feh
    , p.teff_err
    , p.logg_err
    , p.feh_err
FROM predicted AS p
INNER JOIN stage.training AS t USING (row)
ORDER BY p.star_id
;
