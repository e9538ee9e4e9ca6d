-- Title:   Teff and log g of every star by the label table and by its best spectrum together, each by its weight.
-- Grain:   one row per star (star_id).
-- Reads:   sample.visits, spectra.scores, sample.label_matches, stage.labels, meta.parameters
-- UDFs:    joined_labels
INSERT INTO extinction.joined_labels BY NAME
WITH given AS (
    SELECT m.star_id, l.teff, l.teff_err, l.logg, l.logg_err
    FROM sample.label_matches AS m
    INNER JOIN stage.labels AS l ON m.row = l.row
    WHERE m.chosen = 1
)
, found AS MATERIALIZED (
    SELECT v.star_id
        , unnest(joined_labels(c.score_clean, v.snr_g, g.teff, g.teff_err, g.logg, g.logg_err))
    FROM sample.visits AS v
    INNER JOIN spectra.scores AS c USING (specid)
    LEFT JOIN given AS g USING (star_id)
    WHERE v.uniqflag = 1
)
SELECT
    f.star_id
    , coalesce(f.teff, g.teff) AS teff
    , CASE WHEN f.teff IS NULL THEN g.teff_err * p.joined_table_factor ELSE f.teff_err END AS teff_err
    , coalesce(f.logg, g.logg) AS logg
    , CASE WHEN f.logg IS NULL THEN g.logg_err * p.joined_table_factor ELSE f.logg_err END AS logg_err
FROM found AS f
LEFT JOIN given AS g USING (star_id)
CROSS JOIN meta.parameters AS p
ORDER BY f.star_id
;
