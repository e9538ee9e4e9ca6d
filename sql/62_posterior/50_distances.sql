-- Title:   Distance from spectrum, parallax, ks0 and dust together, whatever the companion; zero point of the parallax.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   posterior.inputs, posterior.spectral
-- UDFs:    posterior_distances
-- Mode:    best
INSERT INTO posterior.distances BY NAME
SELECT
    i.specid
    , unnest(posterior_distances(
        s.spec_mean, s.spec_sigma, s.companion_logit, i.published_offset, i.ks0, i.ks0_err, i.ebv
        , i.parallax_corrected, i.parallax_error, i.g_gaia, i.ruwe, i.glon, i.glat, i.nu_eff
        , i.teff, i.logg
    ))
FROM posterior.inputs AS i
INNER JOIN posterior.spectral AS s USING (specid)
ORDER BY i.specid
;
