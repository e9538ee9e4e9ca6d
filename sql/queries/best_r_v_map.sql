-- Title:   Best mode: mean R_V of reddened stars in cells of 5 degrees of l and b, weighted by its errors
-- Reads:   catalog.ob_stars_best
SELECT (floor(galactic_l(ra, dec) / 5) * 5)::INTEGER AS l_from, (floor(galactic_b(ra, dec) / 5) * 5)::INTEGER AS b_from
    , count(*) AS stars, sum(r_v / r_v_err ** 2) / sum(1 / r_v_err ** 2) AS mean_r_v
    , 1 / sqrt(sum(1 / r_v_err ** 2)) AS mean_r_v_err, median(ebv) AS median_ebv
FROM catalog.ob_stars_best
WHERE uniqflag = 1 AND ebv > 0.3 AND r_v_err > 0
GROUP BY l_from, b_from
HAVING stars > 1
ORDER BY l_from, b_from
;
