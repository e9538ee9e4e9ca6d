-- Title:   Spectra of dwarfs with labels of their own, for companions of mock binaries
-- Reads:   sample.visits, raw.spectra, extinction.labels
WITH chosen AS (
    SELECT v.specid, t.teff
    FROM sample.visits AS v
    INNER JOIN extinction.labels AS t USING (star_id)
    WHERE v.uniqflag = 1 AND v.snr_g > 40 AND t.label_source <> 'regression' AND t.logg > 3.7
        AND t.teff BETWEEN 5400 AND 10000
    ORDER BY md5(v.specid)
    LIMIT 600
)
SELECT r.specid, r.z, r.flux, r.ivar, c.teff
FROM raw.spectra AS r
INNER JOIN chosen AS c USING (specid)
WHERE r.z IS NOT NULL
ORDER BY r.specid
;
