-- Title:   Excess of the spectro-photometric over the Gaia parallax, and the binary flag.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, sample.stars, luminosity.magnitudes, uncertainty.errors, extinction.reddening, meta.parameters
-- Paper:   section 6, Eq. 15-17
INSERT INTO binarity.excess BY NAME
WITH spectroscopic AS (
    SELECT
        v.specid
        , s.ra
        , s.dec
        , s.parallax_corrected
        , s.parallax_error
        , meta.parallax_of(m.mk, s.ks, e.a_ks) AS parallax_spec
        , meta.parallax_of_err(parallax_spec, u.mk_err, s.ks_err, e.a_ks_err) AS parallax_spec_err
    FROM sample.visits AS v
    INNER JOIN sample.stars AS s ON v.star_id = s.star_id
    LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
    LEFT JOIN uncertainty.errors AS u ON v.specid = u.specid
    LEFT JOIN extinction.reddening AS e ON v.star_id = e.star_id
)
SELECT
    specid
    , parallax_spec
    , parallax_spec_err
    , (parallax_spec - parallax_corrected) / sqrt(parallax_spec_err ** 2 + parallax_error ** 2) AS snr_dparallax
    , (snr_dparallax > p.binary_nsigma)::SMALLINT AS binary_flag
    , (meta.height(parallax_spec, ra, dec) > p.domain_height
        AND coalesce(parallax_corrected > parallax_spec, true))::SMALLINT AS off_plane
FROM spectroscopic
CROSS JOIN meta.parameters AS p
ORDER BY specid
;
