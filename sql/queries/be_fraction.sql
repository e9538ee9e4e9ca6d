-- Title:   Fraction of stars with Halpha emission in bins of one magnitude of M_Ks, with its binomial error
-- Reads:   catalog.ob_stars
SELECT floor(mk)::INTEGER AS mk_from, count(*) AS stars, sum(em_flag) AS with_emission
    , avg(em_flag) AS fraction, sqrt(fraction * (1 - fraction) / stars) AS fraction_err
FROM catalog.ob_stars
WHERE uniqflag = 1 AND mk IS NOT NULL AND em_flag IS NOT NULL
GROUP BY mk_from
ORDER BY mk_from
;
