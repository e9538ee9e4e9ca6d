-- Title:   Stars whose radial velocity differs between visits by more than five times its error
-- Reads:   catalog.ob_stars
SELECT star_id, count(*) AS visits, min(rv) AS least_rv, max(rv) AS largest_rv, max(rv) - min(rv) AS range
    , range / sum_err(arg_max(rv_err, rv), arg_min(rv_err, rv)) AS nsigma, max(binary_flag) AS binary_flag
FROM catalog.ob_stars
WHERE rv IS NOT NULL AND rv_err > 0 AND NOT has_bit(quality, 'erroneous')
GROUP BY star_id
HAVING visits > 1 AND nsigma > 5
ORDER BY nsigma DESC, star_id
;
