-- Title:   Coefficients of the parallax zero point of Gaia (E)DR3, from the package gaiadr3-zeropoint.
-- Grain:   one row per (solution, j, k, g).
-- Reads:   input_parallax_zero_point
-- Paper:   Lindegren et al. (2021), tables 9 and 10
INSERT INTO reference.parallax_zero_point BY NAME
SELECT * FROM input_parallax_zero_point
ORDER BY solution, j, k, g
;
