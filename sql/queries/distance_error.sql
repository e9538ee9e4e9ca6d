-- Title:   Relative distance error by distance, and what the parallax alone would give
-- Reads:   catalog.ob_stars
-- Paper:   Fig. 11
SELECT floor(dis)::INTEGER AS kpc_from, count(*) AS stars
    , median((dis_high - dis_low) / 2 / dis) AS relative_error
    , median(parallax_error / parallax_corrected) FILTER (parallax_corrected > 0) AS parallax_alone
FROM catalog.ob_stars
WHERE uniqflag = 1 AND dis > 0
GROUP BY kpc_from
ORDER BY kpc_from
;
