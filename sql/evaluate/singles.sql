-- Title:   Single stars with a good parallax and high S/N, of which mock binaries are made
-- Grain:   one row per star (specid).
-- Reads:   catalog.ob_stars, extinction.photometry, raw.spectra, meta.parameters, reference.extinction_coefficients
WITH chosen AS (
    SELECT c.specid, c.mk, c.mk_geo, c.ebv, c.teff, c.parallax_corrected AS parallax, p.bp
    FROM catalog.ob_stars AS c
    INNER JOIN extinction.photometry AS p USING (star_id)
    WHERE c.uniqflag = 1 AND c.binary_flag = 0 AND c.em_flag = 0 AND c.erroneous = 0 AND c.snr_g > 80
        AND parallax / c.parallax_error > 10 AND p.bp IS NOT NULL AND c.ebv IS NOT NULL AND c.mk_geo IS NOT NULL
    ORDER BY md5(c.specid)
    LIMIT 400
)
SELECT
    r.specid, r.z, r.flux, r.ivar, s.mk, s.mk_geo, s.ebv, s.teff
    , s.bp - s.ebv * k.bp + 5 * log10(s.parallax) - 10 AS m_bp
FROM raw.spectra AS r
INNER JOIN chosen AS s USING (specid)
INNER JOIN meta.parameters AS p ON TRUE
INNER JOIN reference.extinction_coefficients AS k ON k.teff = p.colour_teff
ORDER BY r.specid
;
