-- Title:   The Galactic position is the distance away from the Sun.
-- Level:   fail
-- Reads:   catalog.ob_stars, meta.parameters
SELECT specid, dis, x, y, z
FROM catalog.ob_stars
CROSS JOIN meta.parameters AS p
WHERE abs(sqrt((x - p.sun_x) ** 2 + y ** 2 + (z - p.sun_z) ** 2) - dis) > 1e-6 * dis
;
