-- Title:   What the plots draw of best mode, in the order of the points; each line after the name is one number
-- Grain:   one row per star (star_id).
-- Reads:   catalog.ob_stars, catalog.ob_stars_best
-- Mode:    best
SELECT specid
    , (SELECT mk FROM catalog.ob_stars_best WHERE specid = ob_stars.specid) AS mk_best
    , (SELECT dis FROM catalog.ob_stars_best WHERE specid = ob_stars.specid) AS dis_best
    , (SELECT (dis_high - dis_low) / 2 / dis FROM catalog.ob_stars_best WHERE specid = ob_stars.specid) AS dis_err_best
    , (SELECT ebv FROM catalog.ob_stars_best WHERE specid = ob_stars.specid) AS ebv_best
    , (SELECT r_v FROM catalog.ob_stars_best WHERE specid = ob_stars.specid) AS r_v
    , (SELECT p_companion FROM catalog.ob_stars_best WHERE specid = ob_stars.specid) AS p_companion
FROM catalog.ob_stars
WHERE uniqflag = 1
ORDER BY specid
;
