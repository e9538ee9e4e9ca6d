-- Title:   Magnitudes of the stars, each with its error, in the order of the points; of g, r and i those of one survey
-- Grain:   one row per star (star_id).
-- Reads:   catalog.ob_stars, extinction.photometry
SELECT p.b, p.b_err, p.g, p.g_err, p.bp, p.bp_err, p.v, p.v_err, p.r, p.r_err, p.i, p.i_err, p.rp, p.rp_err
    , c.j, c.j_err, c.h, c.h_err, c.ks, c.ks_err
FROM catalog.ob_stars AS c
LEFT JOIN extinction.photometry AS p USING (star_id)
WHERE c.uniqflag = 1
ORDER BY c.specid
;
