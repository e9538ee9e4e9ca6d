-- Title:   Absolute magnitude: from the spectrum against from the parallax
-- Grain:   one row.
-- Reads:   sample.visits, stage.headers, luminosity.magnitudes, luminosity.domain, spectra.calcium, uncertainty.errors, emission.lines, luminosity.geometric, luminosity.good_parallax, sample.stars
SELECT m.mk, u.mk_err, u.sigma_mea
    , CASE l.em_flag WHEN 1 THEN 'emission (clean windows)' WHEN 0 THEN 'non-emission (all pixels)' END AS network_used
    , m.beyond_training, o.cool, o.cool_probability, k.calcium_ew, k.calcium_ew_err, o.compact, o.misfit, o.far
    , h.is_other AS other_class, o.out_of_domain
    , s.ks, s.ks_err, g.mk_geo, g.mk_geo_err, g.parallax_snr
    , m.mk - g.mk_geo AS mk_difference
    , mk_difference / sqrt(u.mk_err ** 2 + g.mk_geo_err ** 2) AS in_units_of_its_error
    , CASE t.is_train WHEN 1 THEN 'taught the network' WHEN 0 THEN 'test star' ELSE 'neither taught nor tested' END
        AS part_in_training
FROM sample.visits AS v
INNER JOIN sample.stars AS s ON v.star_id = s.star_id
INNER JOIN stage.headers AS h ON v.specid = h.specid
LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
LEFT JOIN luminosity.domain AS o ON v.specid = o.specid
LEFT JOIN spectra.calcium AS k ON v.specid = k.specid
LEFT JOIN uncertainty.errors AS u ON v.specid = u.specid
LEFT JOIN emission.lines AS l ON v.specid = l.specid
LEFT JOIN luminosity.geometric AS g ON v.star_id = g.star_id
LEFT JOIN luminosity.good_parallax AS t ON v.star_id = t.star_id
WHERE v.specid = $specid
;
