-- Title:   Absolute magnitude from spectrum, parallax, ks0 and dust together; companion or not.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   posterior.inputs, posterior.spectral
-- UDFs:    posterior_magnitudes
-- Mode:    best
INSERT INTO posterior.magnitudes BY NAME
SELECT
    i.specid
    , s.mk_spec
    , s.spec_sigma AS mk_spec_err
    , s.mk_likelihood
    , unnest(posterior_magnitudes(
        s.spec_mean, s.spec_sigma, s.companion_logit, i.ks0, i.ks0_err, i.ebv
        , i.parallax_corrected, i.parallax_error, i.g_gaia, i.ruwe, i.glon, i.glat, i.nu_eff
        , i.teff, i.logg
    ))
FROM posterior.inputs AS i
INNER JOIN posterior.spectral AS s USING (specid)
ORDER BY i.specid
;
