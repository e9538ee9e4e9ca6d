-- Title:   Labels inside the range a star can have; others, and sentinels, are NULL.
-- Grain:   one row per row of the input.
-- Reads:   raw.labels
-- Paper:   METHOD section 3
CREATE VIEW stage.labels AS
SELECT
    rowid AS row
    , specid
    , CASE WHEN obsid > 0 THEN obsid END AS obsid
    , CASE WHEN source_id > 0 THEN source_id END AS source_id
    , CASE WHEN teff BETWEEN 2000 AND 100000 THEN teff END AS teff
    , CASE WHEN teff_err > 0 AND teff_err < 50000 THEN teff_err END AS teff_err
    , CASE WHEN logg BETWEEN -1 AND 9 THEN logg END AS logg
    , CASE WHEN logg_err > 0 AND logg_err < 9 THEN logg_err END AS logg_err
    , CASE WHEN feh BETWEEN -5 AND 1.5 THEN feh END AS feh
    , CASE WHEN feh_err > 0 AND feh_err < 9 THEN feh_err END AS feh_err
    , label_source
FROM raw.labels
;
