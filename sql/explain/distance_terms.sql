-- Title:   What the density of the distance is made of, as the columns of the distance kernel
-- Grain:   one row.
-- Reads:   catalog.ob_stars
SELECT
    c.mk, c.mk_err, c.ks, c.ks_err, c.a_ks, c.a_ks_err, c.parallax_corrected AS parallax, c.parallax_error
    , c.dis, c.dis_low, c.dis_high, c.binary_flag
FROM catalog.ob_stars AS c
WHERE specid = $specid AND dis IS NOT NULL
;
