-- Title:   Scale height of the young disc by galactocentric radius, from the median distance to its middle plane
-- Reads:   catalog.ob_stars
SELECT floor(sqrt(x ** 2 + y ** 2))::INTEGER AS radius_from, count(*) AS stars
    , median(z) AS middle, mad(z) / ln(2) AS scale_height
FROM catalog.ob_stars
WHERE uniqflag = 1 AND z IS NOT NULL AND abs(z) < 1
GROUP BY radius_from
HAVING stars >= 20
ORDER BY radius_from
;
