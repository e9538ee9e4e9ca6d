-- Title:   The spectrum
-- Grain:   one row.
-- Reads:   sample.visits, stage.headers, raw.headers, spectra.normalised, meta.parameters
SELECT v.specid, v.star_id, h.fitsname, r.sha256, r.layout, h.obsid, r.lmjd, h.ra, h.dec, v.uniqflag
    , v.snr_g
    , CASE WHEN h.snr_g_computed THEN 'from the spectrum' ELSE 'from the header' END AS snr_g_source
    , h.z AS redshift, h.rv, h.rv_err, r.class, r.subclass, r.n_masked
    , n.masked_fraction, p.pca_max_masked AS masked_fraction_allowed
FROM sample.visits AS v
CROSS JOIN meta.parameters AS p
INNER JOIN stage.headers AS h ON v.specid = h.specid
INNER JOIN raw.headers AS r ON v.specid = r.specid
LEFT JOIN spectra.normalised AS n ON v.specid = n.specid
WHERE v.specid = $specid
;
