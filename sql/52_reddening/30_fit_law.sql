-- Title:   The extinction law as arrays.
-- Grain:   one row per node.
-- Reads:   reference.extinction_law
-- Fit:     mixed_model.law
-- Mode:    best
SELECT teff, node_ebv, node_r_v, b, g, bp, v, r, i, rp, j, h, ks
FROM reference.extinction_law
ORDER BY teff, node_ebv, node_r_v
;
