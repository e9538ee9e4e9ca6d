-- Title:   What draws from the posterior of stars are made from: those of $stars, or all; their best spectra
-- Grain:   one row per star (star_id).
-- Reads:   posterior.inputs, posterior.spectral
SELECT
    i.specid, i.star_id, ('0x' || left(md5(i.star_id), 16))::UBIGINT AS key
    , s.spec_mean, s.spec_sigma, s.companion_logit, i.ks0, i.ks0_err, i.ebv, i.parallax_corrected
    , i.parallax_error, i.g_gaia, i.ruwe, i.glon, i.glat, i.nu_eff, i.teff, i.logg, i.a_ks_err
    , i.ebv_err
FROM posterior.inputs AS i
INNER JOIN posterior.spectral AS s USING (specid)
WHERE i.uniqflag = 1 AND ($stars IS NULL OR list_contains($stars, i.star_id))
ORDER BY i.star_id
;
