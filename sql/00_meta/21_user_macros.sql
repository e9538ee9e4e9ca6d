-- Title:   Formulas for whoever queries the catalog: distances, magnitudes, positions, errors; pure SQL, in any client.
-- Grain:   macros.
-- Reads:   catalog.ob_stars, meta.quality_bits
-- Paper:   METHOD sections 4, 6 and 7
-- distances in kpc, parallaxes in mas, magnitudes and extinctions in mag; not defined means NULL
CREATE MACRO distance_modulus(d) AS CASE WHEN d > 0 THEN 5 * log10(d) + 10 END;
CREATE MACRO distance_modulus_err(d, d_err) AS CASE WHEN d > 0 THEN 5 / ln(10) * d_err / d END;
CREATE MACRO distance_of(modulus) AS 10 ** (0.2 * modulus - 2);
CREATE MACRO abs_mag(m, a, parallax) AS meta.abs_mag(m, a, parallax);
CREATE MACRO abs_mag_err(m_err, a_err, parallax, parallax_error) AS
    meta.abs_mag_err(m_err, a_err, parallax, parallax_error);
CREATE MACRO parallax_of(big_m, m, a) AS meta.parallax_of(big_m, m, a);
CREATE MACRO parallax_of_err(parallax_spec, big_m_err, m_err, a_err) AS
    meta.parallax_of_err(parallax_spec, big_m_err, m_err, a_err);
-- positions in degrees, ICRS
CREATE MACRO galactic_l(ra, dec) AS
    (degrees(atan2(meta.galactic_unit_y(ra, dec), meta.galactic_unit_x(ra, dec))) + 360) % 360;
CREATE MACRO galactic_b(ra, dec) AS degrees(atan2(
    meta.galactic_unit_z(ra, dec)
    , sqrt(meta.galactic_unit_x(ra, dec) ** 2 + meta.galactic_unit_y(ra, dec) ** 2)
));
CREATE MACRO separation(ra1, dec1, ra2, dec2) AS meta.separation_arcsec(ra1, dec1, ra2, dec2) / 3600;
CREATE MACRO cone(ra, dec, radius) AS TABLE
    SELECT s.*, separation(s.ra, s.dec, ra, dec) AS separation
    FROM catalog.ob_stars AS s
    WHERE s.dec BETWEEN dec - radius AND dec + radius AND separation(s.ra, s.dec, ra, dec) <= radius
    ORDER BY separation(s.ra, s.dec, ra, dec), s.specid;
-- km/s from mas/yr and kpc: 4.74047 km/s is one au a year
CREATE MACRO tangential_velocity(pmra, pmdec, d) AS 4.74047 * d * sqrt(pmra ** 2 + pmdec ** 2);
-- errors of sums, products, ratios and logarithms of independent values
CREATE MACRO sum_err(a_err, b_err) AS sqrt(a_err ** 2 + b_err ** 2);
CREATE MACRO product_err(a, a_err, b, b_err) AS sqrt((b * a_err) ** 2 + (a * b_err) ** 2);
CREATE MACRO ratio_err(a, a_err, b, b_err) AS
    CASE WHEN b <> 0 THEN sqrt((a_err / b) ** 2 + (a * b_err / b ** 2) ** 2) END;
CREATE MACRO log10_err(x, x_err) AS CASE WHEN x > 0 THEN x_err / x / ln(10) END;
CREATE MACRO fraction_err(k, n) AS CASE WHEN n > 0 THEN sqrt(k / n * (1 - k / n) / n) END;
-- means of a group, weighted by the inverse variance
CREATE MACRO weighted_mean(x, x_err) AS
    sum(x / x_err ** 2) FILTER (x_err > 0) / sum(1 / x_err ** 2) FILTER (x_err > 0 AND x IS NOT NULL);
CREATE MACRO weighted_mean_err(x, x_err) AS 1 / sqrt(sum(1 / x_err ** 2) FILTER (x_err > 0 AND x IS NOT NULL));
-- has_bit(quality, 'erroneous'); a name that no bit has is an error
CREATE MACRO has_bit(quality, bit_name) AS quality & coalesce(
    (SELECT b.bit FROM meta.quality_bits AS b WHERE b.name = bit_name)
    , error('no quality bit is called ' || bit_name)
) > 0;
