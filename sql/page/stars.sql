-- Title:   The best visit of each star, in the order of the points
-- Grain:   one row per star (star_id).
-- Reads:   catalog.ob_stars
SELECT specid
FROM catalog.ob_stars
WHERE uniqflag = 1
ORDER BY specid
;
