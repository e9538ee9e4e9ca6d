-- Title:   Distance, its limits and the Galactic position are all there, or none is.
-- Level:   fail
-- Reads:   catalog.ob_stars
SELECT specid, dis, dis_low, dis_high, logdis, logdis_err, x, y, z
FROM catalog.ob_stars
WHERE list_unique([dis, dis_low, dis_high, logdis, logdis_err, x, y, z].list_transform(lambda v: v IS NULL)) > 1
;
