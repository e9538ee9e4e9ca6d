-- Title:   Extinction coefficients of the adopted spectrum.
-- Grain:   one row per spectrum they were computed with.
-- Reads:   reference.extinction_coefficients
-- Fit:     colours.coefficients
-- Parameters: colour_teff
-- Paper:   section 4; Fitzpatrick (1999), R_V = 3.1
SELECT teff, logg, b, v, g, r, i, bp, rp, j, h, ks
FROM reference.extinction_coefficients
ORDER BY teff, logg
;
