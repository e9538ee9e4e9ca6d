-- Title:   The labels that best mode takes light and dust from.
-- Grain:   one row per star (star_id).
-- Reads:   extinction.labels
-- Mode:    best
CREATE VIEW extinction.best_labels AS
SELECT star_id, teff, teff_err, logg, logg_err, coalesce(feh, 0) AS feh, feh_err
FROM extinction.labels
WHERE teff IS NOT NULL AND logg IS NOT NULL
;
