-- Title:   Best mode: share of stars with the light of a companion by absolute magnitude, the mean of p_companion
-- Reads:   catalog.ob_stars_best
SELECT floor(mk)::INTEGER AS mk_from, count(*) AS stars, sum(p_companion) AS expected
    , avg(p_companion) AS fraction, sqrt(sum(p_companion * (1 - p_companion))) / stars AS fraction_err
FROM catalog.ob_stars_best
WHERE uniqflag = 1 AND mk IS NOT NULL AND p_companion IS NOT NULL AND coalesce(p_other, 0) < 0.5
GROUP BY mk_from
ORDER BY mk_from
;
