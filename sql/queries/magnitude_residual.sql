-- Title:   Median and scatter of M_spec - M_geo in bins of one magnitude, single stars with good parallaxes
-- Reads:   catalog.ob_stars
-- Paper:   Fig. 5
SELECT floor(mk_geo)::INTEGER AS mk_geo_from, count(*) AS stars
    , median(mk - mk_geo) AS median_difference
    , 1.4826 * mad(mk - mk_geo) AS robust_scatter
    , sqrt(avg(mk_err ** 2 + mk_geo_err ** 2)) AS scatter_expected
FROM catalog.ob_stars
WHERE uniqflag = 1 AND binary_flag = 0 AND mk IS NOT NULL AND mk_geo_err < 0.2
GROUP BY mk_geo_from
ORDER BY mk_geo_from
;
