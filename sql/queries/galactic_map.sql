-- Title:   Map of the disc: number of stars and median height in cells of 500 pc, within 500 pc of the plane
-- Reads:   catalog.ob_stars
-- Paper:   Fig. 12
SELECT floor(x * 2) / 2 + 0.25 AS x, floor(y * 2) / 2 + 0.25 AS y, count(*) AS stars, median(z) AS median_z
    , avg(em_flag) AS emission_fraction
FROM catalog.ob_stars
WHERE uniqflag = 1 AND x IS NOT NULL AND abs(z) < 0.5
GROUP BY ALL
ORDER BY 1, 2
;
