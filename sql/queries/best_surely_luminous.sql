-- Title:   Best mode: stars brighter than M_Ks = -4 with 97.5 per cent, by the percentiles of the posterior
-- Reads:   catalog.ob_stars_best
SELECT star_id, mk, mk_low95, mk_low, mk_high, mk_high95, dis_median, dis_low95, dis_high95, p_companion
FROM catalog.ob_stars_best
WHERE uniqflag = 1 AND mk_high95 < -4 AND fault IS NULL AND p_other < 0.5
ORDER BY mk, star_id
;
