-- Title:   The table of bolometric corrections as a grid to interpolate in.
-- Grain:   one row per node.
-- Reads:   reference.bolometric_corrections
-- Fit:     colours.colours
-- Paper:   section 4
SELECT * FROM reference.bolometric_corrections ORDER BY teff, logg, feh
;
