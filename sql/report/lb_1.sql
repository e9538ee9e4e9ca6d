-- Title:   Every visit of LB-1, by position (within 3 arcsec)
-- Reads:   catalog.ob_stars
-- Paper:   Figs. 13 and 14
SELECT
    specid, snr_g, rv, rv_err, mk, mk_err, mk_geo, mk_geo_err, teff, logg
    , logg - 4 * log10(teff / 1e4) AS log_gf, split_part(specid, '-', 1)::INTEGER AS lmjd
FROM catalog.ob_stars
WHERE meta.separation_arcsec(ra, dec, 92.95450, 22.82575) < 3
ORDER BY lmjd, specid
;
