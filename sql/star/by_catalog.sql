-- Title:   Stars of an identifier in the catalog: specid, star_id, name of the file, Gaia's
-- Grain:   one row per star.
-- Reads:   catalog.ob_stars
SELECT DISTINCT star_id
FROM catalog.ob_stars
WHERE lower($name) IN (lower(specid), lower(star_id), lower(fitsname), lower(gaia_name), gaia_id::VARCHAR)
ORDER BY star_id
;
