-- Title:   The closed formulas of the method; pure SQL, so any client has them.
-- Grain:   macros.
-- Paper:   METHOD sections 4, 6 and 7
CREATE MACRO meta.finite(x) AS CASE WHEN isfinite(x) THEN x END;
-- NaN, infinities and the sentinels of archives -> NULL
CREATE MACRO meta.valid(x) AS CASE WHEN isfinite(x) AND x NOT IN (-9999, -999) THEN x END;
CREATE MACRO meta.redshift(z) AS CASE WHEN isfinite(z) AND z > -1 THEN z END;
-- S/N of a LAMOST header: 0 and -9999 say that there is none, 99 (DR1) and 999 are ceilings
CREATE MACRO meta.header_snr(s) AS CASE WHEN isfinite(s) AND s > 0 AND s NOT IN (99, 999) THEN s END;
-- What the pipeline calls an F to M star, a galaxy or a quasar; it calls O and B stars A, so A says nothing against them.
CREATE MACRO meta.other_class(class, subclass) AS
    CASE WHEN coalesce(trim(class), '') || coalesce(trim(subclass), '') <> '' THEN (
        coalesce(trim(class) IN ('GALAXY', 'QSO'), false)
        OR coalesce(regexp_matches(trim(subclass), '^(d|g|sd|esd|usd)?[FGKM]([0-9]|$)'), false)
    )::SMALLINT END;
-- km/s of a pixel of the common grid
CREATE MACRO meta.pixel_velocity() AS 299792.458 * ln(10) * 1e-4;
CREATE MACRO meta.valid_mag(m) AS CASE WHEN isfinite(m) AND m BETWEEN -5 AND 40 THEN m END;
CREATE MACRO meta.valid_error(e) AS CASE WHEN isfinite(e) AND e > 0 AND e < 9 THEN e END;
-- a magnitude and its error: one without the other is no measurement
CREATE MACRO meta.measured(m, e) AS CASE WHEN meta.valid_error(e) IS NOT NULL THEN meta.valid_mag(m) END;
CREATE MACRO meta.measured_err(m, e) AS CASE WHEN meta.valid_mag(m) IS NOT NULL THEN meta.valid_error(e) END;
-- a parallax that a magnitude can be taken from: above a thousandth of its error, else that is thousands of mag uncertain
CREATE MACRO meta.positive_parallax(parallax, parallax_error) AS
    CASE WHEN parallax > coalesce(parallax_error, 0) / 1000 THEN parallax END;
-- Eq. in section 5: absolute magnitude from a parallax in mas
CREATE MACRO meta.abs_mag(m, a, parallax) AS CASE WHEN parallax > 0 THEN m - a + 5 * log10(parallax) - 10 END;
CREATE MACRO meta.abs_mag_err(m_err, a_err, parallax, parallax_error) AS
    CASE WHEN parallax > 0 THEN sqrt(m_err ** 2 + a_err ** 2 + (5 / ln(10) * parallax_error / parallax) ** 2) END;
-- Eq. 15 and 17: spectro-photometric parallax in mas
CREATE MACRO meta.parallax_of(big_m, m, a) AS 10 ** (0.2 * (big_m - m + a + 10));
CREATE MACRO meta.parallax_of_err(parallax_spec, big_m_err, m_err, a_err) AS
    0.2 * ln(10) * parallax_spec * sqrt(big_m_err ** 2 + m_err ** 2 + a_err ** 2);
-- logarithm of Student's t of four degrees about a mean, but for a constant; 0 where nothing is known
CREATE MACRO meta.student_ln(x, err, mean, scatter) AS CASE WHEN x IS NULL OR err IS NULL THEN 0
    ELSE -0.5 * ln(err ** 2 + scatter ** 2) - 2.5 * ln(1 + (x - mean) ** 2 / (err ** 2 + scatter ** 2) / 4) END;
-- zero point of Gaia DR2 parallaxes against G in mas, linear between the points where it is measured: Stassun & Torres
-- (2018) at G = 8 to 10, Zinn et al. (2019) at 12, Leung & Bovy (2019) at 14, Lindegren et al. (2018) at 17.5
CREATE MACRO meta.ramp(x, low, high) AS greatest(0.0, least(1.0, (x - low) / (high - low)));
CREATE MACRO meta.zero_point_dr2(g) AS -0.082 + 0.012 * meta.ramp(g, 8, 10) + 0.017 * meta.ramp(g, 10, 12)
    + 0.011 * meta.ramp(g, 12, 14) + 0.008 * meta.ramp(g, 14, 16) + 0.005 * meta.ramp(g, 16, 17.5);
-- effective wavenumber (1/um) of BP - RP: Lindegren et al. (2021), Eq. 3
CREATE MACRO meta.effective_wavenumber(bp_rp) AS 1.76 - 1.61 / pi() * atan(0.531 * bp_rp);
-- ln of Bayes factors of a binary, ``share`` of the stars being binaries; 0 where nothing is known. A velocity that does not
-- change says little: not every binary shows. RUWE, in units of its scatter: one binary in seven has an exponential tail of
-- four of them; wrong solutions of single stars have one too, hence ``cap``. Light: its probability against the share.
CREATE MACRO meta.velocity_evidence(ln_bf, share) AS coalesce(ln(1 - share + share * exp(ln_bf)), 0);
CREATE MACRO meta.ruwe_evidence(z, cap) AS coalesce(least(cap, ln(
    0.85 + CASE WHEN z > 0 THEN 0.15 * sqrt(2 * pi()) / 4 * exp(least(z ** 2 / 2 - z / 4, 30)) WHEN z <= 0 THEN 0 END
)), 0);
CREATE MACRO meta.light_evidence(p, share) AS
    coalesce(ln(greatest(p, 1e-3) / greatest(1 - p, 1e-3)) - ln(share / (1 - share)), 0);
-- great-circle separation in arcsec of positions in degrees
CREATE MACRO meta.separation_arcsec(ra1, dec1, ra2, dec2) AS 3600 * degrees(2 * asin(least(1.0, sqrt(
    sin(radians(dec2 - dec1) / 2) ** 2
    + cos(radians(dec1)) * cos(radians(dec2)) * sin(radians(ra2 - ra1) / 2) ** 2
))));
-- "Sdddmmssddmmss", truncated; a minus sign stands before a southern declination
CREATE MACRO meta.arcseconds(x) AS floor(round(x * 3600, 4))::INTEGER;
CREATE MACRO meta.sexagesimal(x, width) AS
    lpad((meta.arcseconds(x) // 3600 % 360)::VARCHAR, width, '0')
    || lpad((meta.arcseconds(x) // 60 % 60)::VARCHAR, 2, '0')
    || lpad((meta.arcseconds(x) % 60)::VARCHAR, 2, '0');
CREATE MACRO meta.star_id(ra, dec) AS
    'S' || meta.sexagesimal(ra, 3) || CASE WHEN dec < 0 THEN '-' ELSE '' END || meta.sexagesimal(abs(dec), 2);
-- ICRS (deg) -> Galactic direction cosines; the rotation matrix of Hipparcos, ESA SP-1200, Eq. 1.5.11
CREATE MACRO meta.galactic_unit_x(ra, dec) AS cos(radians(dec)) * cos(radians(ra)) * -0.0548755604
    + cos(radians(dec)) * sin(radians(ra)) * -0.8734370902 + sin(radians(dec)) * -0.4838350155;
CREATE MACRO meta.galactic_unit_y(ra, dec) AS cos(radians(dec)) * cos(radians(ra)) * 0.4941094279
    + cos(radians(dec)) * sin(radians(ra)) * -0.4448296300 + sin(radians(dec)) * 0.7469822445;
CREATE MACRO meta.galactic_unit_z(ra, dec) AS cos(radians(dec)) * cos(radians(ra)) * -0.8676661490
    + cos(radians(dec)) * sin(radians(ra)) * -0.1980763734 + sin(radians(dec)) * 0.4559837762;
-- kpc from the Galactic plane through the Sun at which a parallax in mas puts a star
CREATE MACRO meta.height(parallax, ra, dec) AS
    CASE WHEN parallax > 0 THEN abs(meta.galactic_unit_z(ra, dec)) / parallax END;
-- one star in five is a test star, by its name alone: never by visit, never by chance
CREATE MACRO meta.hash_fraction(star_id) AS ('0x' || left(md5(star_id), 8))::BIGINT / 4294967296.0;
