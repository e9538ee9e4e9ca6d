-- Title:   E(B-V) of the stars and what it is drawn against
-- Reads:   catalog.ob_stars
SELECT specid, ebv, ebv_err, dis, n_colours, em_flag
FROM catalog.ob_stars
WHERE uniqflag = 1
ORDER BY specid
;
