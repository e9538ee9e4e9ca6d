-- Title:   Absolute magnitude from the parallax.
-- Grain:   one row per star (star_id).
-- Reads:   sample.stars, extinction.reddening
-- Paper:   section 5; METHOD section 4
INSERT INTO luminosity.geometric BY NAME
SELECT
    s.star_id
    , meta.abs_mag(s.ks, e.a_ks, meta.positive_parallax(s.parallax_corrected, s.parallax_error)) AS mk_geo
    , meta.abs_mag_err(
        s.ks_err, e.a_ks_err, meta.positive_parallax(s.parallax_corrected, s.parallax_error), s.parallax_error
    ) AS mk_geo_err
    , s.parallax_corrected / s.parallax_error AS parallax_snr
FROM sample.stars AS s
LEFT JOIN extinction.reddening AS e USING (star_id)
ORDER BY s.star_id
;
