-- Title:   Reddening per kpc over the sky: median E(B-V) and distance in cells of 5 degrees of l and b
-- Reads:   catalog.ob_stars
SELECT (floor(galactic_l(ra, dec) / 5) * 5)::INTEGER AS l_from, (floor(galactic_b(ra, dec) / 5) * 5)::INTEGER AS b_from
    , count(*) AS stars, median(ebv) AS median_ebv, median(dis) AS median_dis, median(ebv / dis) AS ebv_per_kpc
FROM catalog.ob_stars
WHERE uniqflag = 1 AND ebv IS NOT NULL AND dis > 0
GROUP BY l_from, b_from
ORDER BY l_from, b_from
;
