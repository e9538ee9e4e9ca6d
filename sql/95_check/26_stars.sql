-- Title:   What is known of a star is the same in all its visits, and no two stars share a Gaia source.
-- Level:   fail
-- Reads:   catalog.ob_stars
SELECT star_id, NULL AS gaia_id
FROM catalog.ob_stars
GROUP BY star_id
HAVING count(DISTINCT (gaia_id, parallax, j, h, ks, ebv, mk_geo, teff, logg, feh, label_source)) > 1
UNION ALL
SELECT NULL, gaia_id
FROM catalog.ob_stars
WHERE gaia_id IS NOT NULL
GROUP BY gaia_id
HAVING count(DISTINCT star_id) > 1
;
