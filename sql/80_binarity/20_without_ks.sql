-- Title:   Stars without Ks whose parallax is far too large for their spectrum, by Gaia RP and the star's colour.
-- Grain:   one row per spectrum (specid) of a star without Ks.
-- Reads:   sample.visits, sample.stars, extinction.photometry, extinction.labels, extinction.reddening, luminosity.magnitudes, uncertainty.errors, reference.bolometric_corrections, reference.extinction_coefficients, meta.parameters
-- Paper:   section 5.2; not for stars without Ks
INSERT INTO binarity.without_ks BY NAME
WITH colours AS (
    SELECT teff, bc_ks - bc_rp AS rp_ks
    FROM reference.bolometric_corrections
    WHERE logg = 4 AND feh = 0
)
, dust AS (
    SELECT c.rp - c.ks AS rp_ks
    FROM reference.extinction_coefficients AS c
    CROSS JOIN meta.parameters AS p
    ORDER BY abs(c.teff - p.colour_teff), c.teff, c.logg
    LIMIT 1
)
, stand_in AS (
    SELECT
        v.specid, s.ra, s.dec, s.parallax_error
        , meta.positive_parallax(s.parallax_corrected, s.parallax_error) AS parallax
        , f.rp - c.rp_ks - d.rp_ks * e.ebv AS ks
        , sqrt(f.rp_err ** 2 + (d.rp_ks * e.ebv_err) ** 2 + p.stand_in_error ** 2) AS ks_err
        , e.a_ks, e.a_ks_err, m.mk, u.mk_err
    FROM sample.visits AS v
    CROSS JOIN meta.parameters AS p
    CROSS JOIN dust AS d
    INNER JOIN sample.stars AS s ON v.star_id = s.star_id
    INNER JOIN extinction.labels AS l ON v.star_id = l.star_id
    INNER JOIN extinction.reddening AS e ON v.star_id = e.star_id
    INNER JOIN extinction.photometry AS f ON v.star_id = f.star_id
    ASOF LEFT JOIN colours AS c ON l.teff >= c.teff
    LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
    LEFT JOIN uncertainty.errors AS u ON v.specid = u.specid
    WHERE s.ks IS NULL
)
, compared AS (
    SELECT
        *
        , meta.abs_mag(ks, a_ks, parallax) AS mk_geo
        , meta.abs_mag_err(ks_err, a_ks_err, parallax, parallax_error) AS mk_geo_err
        , meta.parallax_of(mk, ks, a_ks) AS parallax_spec
        , meta.parallax_of_err(parallax_spec, mk_err, ks_err, a_ks_err) AS parallax_spec_err
    FROM stand_in
)
SELECT
    specid, ks, ks_err
    , coalesce(mk_geo - p.domain_parallax_nsigma * mk_geo_err > p.mk_faint_limit
        OR (parallax_spec - parallax) / sqrt(parallax_spec_err ** 2 + parallax_error ** 2)
        < -p.domain_excess_nsigma, false)::SMALLINT AS fainter
    , (meta.height(parallax_spec, ra, dec) > p.domain_height
        AND coalesce(parallax > parallax_spec, true))::SMALLINT AS off_plane
FROM compared
CROSS JOIN meta.parameters AS p
ORDER BY specid
;
