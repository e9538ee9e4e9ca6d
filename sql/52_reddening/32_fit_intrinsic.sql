-- Title:   The table of bolometric corrections, Ks among them, as a grid to interpolate in.
-- Grain:   one row per node.
-- Reads:   reference.bolometric_corrections
-- Fit:     mixed_model.intrinsic
-- Mode:    best
SELECT teff, logg, feh, bc_b, bc_g, bc_bp, bc_v, bc_r, bc_i, bc_rp, bc_j, bc_h, bc_ks
FROM reference.bolometric_corrections
WHERE NOT (logg = 5 AND feh = 0 AND teff IN (16000, 20000))
ORDER BY teff, logg, feh
;
