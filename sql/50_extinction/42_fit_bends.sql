-- Title:   Extinction coefficients of a star's own temperature and dust, which the wide bands bend.
-- Grain:   one row per node.
-- Reads:   reference.extinction_law
-- Fit:     colours.bends
-- Parameters: colour_bends
-- Paper:   section 4, where they are those of one spectrum; Fitzpatrick (1999), R_V = 3.1
SELECT teff, node_ebv, b, g, bp, v, r, i, rp, j, h, ks
FROM reference.extinction_law
WHERE node_r_v = 3.1
ORDER BY teff, node_ebv
;
