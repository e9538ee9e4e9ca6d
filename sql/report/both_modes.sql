-- Title:   The stars, each by its best spectrum, in both modes
-- Reads:   catalog.ob_stars, catalog.ob_stars_best, posterior.inputs
SELECT
    p.specid, p.mk, p.ebv, p.dis, p.parallax_offset, b.mk AS best_mk, b.ebv AS best_ebv, b.dis AS best_dis
    , b.parallax_offset AS best_offset, i.published_offset, i.g_gaia
    , b.teff, b.p_companion, b.r_v, b.r_v_err, b.emission_kind, b.p_kind, b.halpha_ew, b.x, b.y, b.z
FROM catalog.ob_stars AS p
INNER JOIN catalog.ob_stars_best AS b ON p.specid = b.specid
LEFT JOIN posterior.inputs AS i ON p.specid = i.specid
WHERE p.uniqflag = 1
ORDER BY p.specid
;
