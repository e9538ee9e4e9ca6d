-- Title:   Scatter of M_Ks from visit to visit against the error given to it, stars with three visits or more
-- Reads:   catalog.ob_stars
SELECT star_id, count(mk) AS visits, avg(mk) AS mean_mk, stddev_samp(mk) AS scatter
    , sqrt(avg(mk_err ** 2)) AS error_given, min(snr_g) AS least_snr_g, max(em_flag) AS emission_ever
FROM catalog.ob_stars
GROUP BY star_id
HAVING visits >= 3
ORDER BY scatter DESC, star_id
;
