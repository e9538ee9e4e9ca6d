-- Title:   Spectra with the bit erroneous: the largest misfits of good S/N
-- Reads:   catalog.ob_stars, emission.spectra, emission.scores
WITH chosen AS (
    SELECT specid
    FROM catalog.ob_stars
    WHERE erroneous = 1 AND snr_g > 30
    ORDER BY greatest(halpha_chi2, clean_chi2) DESC, specid
    LIMIT 4
)
SELECT c.specid, c.snr_g, c.halpha_chi2, c.clean_chi2, s.flux, s.ivar, p.score_clean
FROM emission.spectra AS s
INNER JOIN chosen USING (specid)
INNER JOIN emission.scores AS p USING (specid)
INNER JOIN catalog.ob_stars AS c USING (specid)
ORDER BY c.specid
;
