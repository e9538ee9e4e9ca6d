-- Title:   MIST / C3K bolometric corrections, package data.
-- Grain:   one row per (teff, logg, feh).
-- Reads:   input_bolometric_corrections
-- Paper:   METHOD section 3
INSERT INTO reference.bolometric_corrections BY NAME
SELECT * FROM input_bolometric_corrections
ORDER BY teff, logg, feh
;
