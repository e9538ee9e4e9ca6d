-- Title:   Labels used
-- Grain:   one row.
-- Reads:   extinction.labels
SELECT teff, teff_err, logg, logg_err, feh, feh_err, label_source
FROM extinction.labels
WHERE star_id = $star_id
;
