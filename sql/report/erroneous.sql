-- Title:   Spectra with the bit erroneous and S/N > 30: the two largest misfits at Halpha, the two largest elsewhere
-- Reads:   catalog.ob_stars, spectra.normalised, spectra.scores
WITH ranked AS (
    SELECT
        specid
        , row_number() OVER (ORDER BY halpha_chi2 DESC, specid) AS at_halpha
        , row_number() OVER (ORDER BY clean_chi2 DESC, specid) AS elsewhere
    FROM catalog.ob_stars
    WHERE erroneous = 1 AND snr_g > 30
), chosen AS (
    SELECT specid FROM ranked WHERE at_halpha <= 2 OR elsewhere <= 2
)
SELECT c.specid, c.snr_g, c.halpha_chi2, c.clean_chi2, s.flux, s.ivar, p.score_clean
FROM spectra.normalised AS s
INNER JOIN chosen USING (specid)
INNER JOIN spectra.scores AS p USING (specid)
INNER JOIN catalog.ob_stars AS c USING (specid)
ORDER BY c.specid
;
