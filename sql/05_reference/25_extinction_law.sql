-- Title:   The extinction law of Fitzpatrick (1999) through the bands, against Teff, E(B-V) and R_V.
-- Grain:   one row per node.
-- Reads:   input_extinction_law
INSERT INTO reference.extinction_law BY NAME
SELECT * FROM input_extinction_law
ORDER BY teff, node_ebv, node_r_v
;
