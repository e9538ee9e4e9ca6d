-- Title:   Gaia sources that two stars of the catalog claim: one star named twice, or a wrong match
-- Reads:   catalog.ob_stars
SELECT gaia_id, count(*) AS stars, list(star_id ORDER BY star_id) AS star_ids, max(ra) - min(ra) AS ra_range
FROM catalog.ob_stars
WHERE uniqflag = 1 AND gaia_id IS NOT NULL
GROUP BY gaia_id
HAVING stars > 1
ORDER BY gaia_id
;
