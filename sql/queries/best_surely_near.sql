-- Title:   Best mode: stars nearer than 1 kpc with 97.5 per cent, and those that may be
-- Reads:   catalog.ob_stars_best
SELECT dis_high95 < 1 AS surely, count(*) AS stars, median(dis_median) AS median_dis
    , median((dis_high - dis_low) / 2 / dis_median) AS relative_error
FROM catalog.ob_stars_best
WHERE uniqflag = 1 AND dis_low95 < 1
GROUP BY surely
ORDER BY surely DESC
;
