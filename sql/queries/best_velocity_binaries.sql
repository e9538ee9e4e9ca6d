-- Title:   Best mode: binaries by velocity: a change is more than e^5 times likelier than none
-- Reads:   catalog.ob_stars_best
SELECT star_id, any_value(ln_bf_rv) AS ln_bf_rv, any_value(n_visits) AS n_visits
    , max(rv) - min(rv) AS range, any_value(ruwe_z) AS ruwe_z, max(p_companion) AS p_companion
FROM catalog.ob_stars_best
WHERE fault IS NULL
GROUP BY star_id
HAVING any_value(ln_bf_rv) > 5
ORDER BY ln_bf_rv DESC, star_id
;
