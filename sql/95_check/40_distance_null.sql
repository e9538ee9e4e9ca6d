-- Title:   A distance has its limits, its logarithm and its Galactic position; without it a lower limit may be left.
-- Level:   fail
-- Reads:   catalog.ob_stars
SELECT specid, dis, dis_low, dis_high, logdis, logdis_err, x, y, z
FROM catalog.ob_stars
WHERE list_unique([dis, dis_high, logdis, logdis_err, x, y, z].list_transform(lambda v: v IS NULL)) > 1
    OR (dis IS NOT NULL AND dis_low IS NULL)
;
