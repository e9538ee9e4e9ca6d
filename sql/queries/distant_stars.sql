-- Title:   The farthest stars whose distance is good to 15 per cent, with galactic coordinates
-- Reads:   catalog.ob_stars
SELECT star_id, gaia_id, galactic_l(ra, dec) AS l, galactic_b(ra, dec) AS b, dis, dis_low, dis_high, x, y, z, mk
FROM catalog.ob_stars
WHERE uniqflag = 1 AND NOT has_bit(quality, 'erroneous') AND (dis_high - dis_low) / 2 / dis < 0.15
ORDER BY dis DESC, star_id
LIMIT 100
;
