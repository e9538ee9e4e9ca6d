-- Title:   Best mode: companions by their light: stars with p_companion above 0.9, magnitudes of primary and system
-- Reads:   catalog.ob_stars_best
SELECT star_id, p_companion, mk_system, mk, mk_low, mk_high, dis, ruwe, ln_bf_rv
FROM catalog.ob_stars_best
WHERE uniqflag = 1 AND p_companion > 0.9 AND fault IS NULL
ORDER BY p_companion DESC, star_id
;
