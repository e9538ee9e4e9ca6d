-- Title:   The star nearest to a position, and how far it is, in arcsec
-- Grain:   one row.
-- Reads:   catalog.ob_stars
SELECT star_id, meta.separation_arcsec(ra, dec, $ra, $dec) AS separation
FROM catalog.ob_stars
ORDER BY separation, star_id
LIMIT 1
;
