-- Title:   Spectra of high S/N without and with emission, spread over temperature
-- Reads:   catalog.ob_stars, spectra.normalised, spectra.scores
WITH ranked AS (
    SELECT specid, em_flag, ntile(4) OVER (PARTITION BY em_flag ORDER BY teff, specid) AS part, snr_g
    FROM catalog.ob_stars
    WHERE uniqflag = 1 AND em_flag IS NOT NULL AND erroneous = 0 AND teff IS NOT NULL
), chosen AS (
    SELECT specid
    FROM ranked
    WHERE em_flag = 0 OR part IN (2, 4)
    QUALIFY row_number() OVER (PARTITION BY em_flag, part ORDER BY snr_g DESC, specid) = 1
)
SELECT c.specid, c.em_flag, c.teff, c.snr_g, s.flux, s.ivar, p.score_clean
FROM spectra.normalised AS s
INNER JOIN chosen USING (specid)
INNER JOIN spectra.scores AS p USING (specid)
INNER JOIN catalog.ob_stars AS c USING (specid)
ORDER BY c.em_flag, c.teff, c.specid
;
