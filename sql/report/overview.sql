-- Title:   The stars of the overview picture, each by its best spectrum, with their place in training
-- Reads:   catalog.ob_stars, luminosity.good_parallax
SELECT
    c.snr_g, c.mk, c.mk_geo, c.teff, c.em_flag, c.binary_flag, c.dis, c.dis_low, c.dis_high, c.x, c.y
    , c.parallax_corrected AS parallax, c.parallax_error, g.is_train
    , has_bit(c.quality, 'distance_edge')::INTEGER AS distance_edge
FROM catalog.ob_stars AS c
LEFT JOIN luminosity.good_parallax AS g ON c.specid = g.specid
WHERE c.uniqflag = 1
ORDER BY c.specid
;
