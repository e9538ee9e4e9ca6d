-- Title:   Spectra of high S/N without emission, spread over temperature, and two that show it at Halpha
-- Reads:   catalog.ob_stars, spectra.normalised, spectra.scores, emission.lines
WITH ranked AS (
    SELECT
        c.specid, c.em_flag, c.snr_g
        , ntile(if(c.em_flag = 1, 2, 4)) OVER (PARTITION BY c.em_flag ORDER BY c.teff, c.specid) AS part
    FROM catalog.ob_stars AS c
    LEFT JOIN emission.lines AS l ON c.specid = l.specid
    WHERE
        c.uniqflag = 1 AND c.erroneous = 0 AND c.teff IS NOT NULL
        AND (c.em_flag = 0 OR c.em_flag = 1 AND l.halpha_excess BETWEEN 0.3 AND 0.8)
), chosen AS (
    SELECT specid
    FROM ranked
    QUALIFY row_number() OVER (PARTITION BY em_flag, part ORDER BY snr_g DESC, specid) = 1
)
SELECT c.specid, c.em_flag, c.teff, c.snr_g, s.flux, s.ivar, p.score_clean
FROM spectra.normalised AS s
INNER JOIN chosen USING (specid)
INNER JOIN spectra.scores AS p USING (specid)
INNER JOIN catalog.ob_stars AS c USING (specid)
ORDER BY c.em_flag, c.teff, c.specid
;
