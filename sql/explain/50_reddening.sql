-- Title:   Reddening: the weighted mean of the colours below
-- Grain:   one row.
-- Reads:   extinction.reddening, extinction.photometry
SELECT e.ebv, e.ebv_err, e.a_ks, e.a_ks_err, e.n_colours, f.gri_source
FROM extinction.reddening AS e
INNER JOIN extinction.photometry AS f USING (star_id)
WHERE e.star_id = $star_id
;
