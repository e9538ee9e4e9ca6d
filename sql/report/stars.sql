-- Title:   The stars, each by its best spectrum, with their place in training
-- Reads:   catalog.ob_stars, luminosity.good_parallax
SELECT
    c.specid, c.snr_g, c.mk, c.mk_err, c.mk_geo, c.mk_geo_err, c.teff, c.logg, c.feh, c.em_flag, c.binary_flag
    , c.snr_dparallax, c.ruwe, c.dis, c.dis_low, c.dis_high, c.x, c.y, c.z, c.ebv
    , c.logg - 4 * log10(c.teff / 1e4) AS log_gf
    , c.parallax_corrected AS parallax, c.parallax_error, c.parallax_spec, c.parallax_spec_err
    , g.is_train
    , has_bit(c.quality, 'distance_edge')::INTEGER AS distance_edge
    , has_bit(c.quality, 'out_of_domain')::INTEGER AS out_of_domain
FROM catalog.ob_stars AS c
LEFT JOIN luminosity.good_parallax AS g ON c.specid = g.specid
WHERE c.uniqflag = 1
ORDER BY c.specid
;
