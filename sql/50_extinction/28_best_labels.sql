-- Title:   The labels that best mode takes light and dust from: Teff and log g joined with the spectrum's, [Fe/H] of the table.
-- Grain:   one row per star (star_id).
-- Reads:   extinction.labels, extinction.joined_labels
-- Mode:    best
CREATE VIEW extinction.best_labels AS
SELECT l.star_id
    , coalesce(j.teff, l.teff) AS teff
    , CASE WHEN j.teff IS NULL THEN l.teff_err ELSE j.teff_err END AS teff_err
    , coalesce(j.logg, l.logg) AS logg
    , CASE WHEN j.logg IS NULL THEN l.logg_err ELSE j.logg_err END AS logg_err
    , coalesce(l.feh, 0) AS feh
    , l.feh_err
FROM extinction.labels AS l
LEFT JOIN extinction.joined_labels AS j USING (star_id)
WHERE coalesce(j.teff, l.teff) IS NOT NULL AND coalesce(j.logg, l.logg) IS NOT NULL
;
