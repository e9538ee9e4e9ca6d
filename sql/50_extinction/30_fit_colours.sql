-- Title:   The table of bolometric corrections as a grid to interpolate in.
-- Grain:   one row per node.
-- Reads:   reference.bolometric_corrections
-- Fit:     colours.colours
-- Paper:   section 4; two nodes whose g, r, i are off by 0.1 mag from both neighbours in [Fe/H] are left out
SELECT teff, logg, feh, bc_b, bc_v, bc_g, bc_r, bc_i, bc_bp, bc_rp, bc_j, bc_h
FROM reference.bolometric_corrections
WHERE NOT (logg = 5 AND feh = 0 AND teff IN (16000, 20000))
ORDER BY teff, logg, feh
;
