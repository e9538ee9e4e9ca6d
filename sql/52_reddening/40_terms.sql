-- Title:   What the labels of a star say of its light and of the dust before it, in every band.
-- Grain:   one row per star (star_id) with labels.
-- Reads:   extinction.best_labels
-- UDFs:    band_terms
-- Mode:    best
INSERT INTO reddening.terms BY NAME
SELECT star_id, unnest(band_terms(teff, logg, feh))
FROM extinction.best_labels
ORDER BY star_id
;
