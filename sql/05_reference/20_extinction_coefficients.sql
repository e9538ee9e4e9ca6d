-- Title:   A_X / E(B-V) of Fitzpatrick (1999), R_V = 3.1, package data.
-- Grain:   one row per (teff, logg) of the spectrum the bands were computed with.
-- Reads:   input_extinction_coefficients
-- Paper:   METHOD section 3
INSERT INTO reference.extinction_coefficients BY NAME
SELECT * FROM input_extinction_coefficients
ORDER BY teff, logg
;
