-- Title:   Stars whose Halpha emission comes or goes between visits by more than four times its error
-- Reads:   catalog.ob_stars
SELECT star_id, count(*) AS visits, sum(em_flag) AS with_emission
    , min(halpha_ew) AS least_ew, max(halpha_ew) AS largest_ew
    , (max(halpha_excess) - min(halpha_excess))
    / sum_err(arg_max(halpha_excess_err, halpha_excess), arg_min(halpha_excess_err, halpha_excess)) AS nsigma
FROM catalog.ob_stars
WHERE halpha_excess_err > 0 AND erroneous = 0
GROUP BY star_id
HAVING visits > 1 AND nsigma > 4
ORDER BY nsigma DESC, star_id
;
