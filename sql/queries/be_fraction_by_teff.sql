-- Title:   Fraction of stars with Halpha emission by spectral type, from the effective temperature
-- Reads:   catalog.ob_stars
-- Paper:   section 3; temperatures of main-sequence stars, about as in Pecaut & Mamajek (2013)
SELECT
    CASE
        WHEN teff >= 31500 THEN '1 O'
        WHEN teff >= 18000 THEN '2 B0-B2'
        WHEN teff >= 14000 THEN '3 B3-B6'
        WHEN teff >= 10000 THEN '4 B7-B9'
        ELSE '5 A and later'
    END AS spectral_type
    , count(*) AS stars, sum(em_flag) AS with_emission
    , with_emission / stars AS fraction, fraction_err(with_emission, stars) AS fraction_err
FROM catalog.ob_stars
WHERE uniqflag = 1 AND teff IS NOT NULL AND em_flag IS NOT NULL
GROUP BY spectral_type
ORDER BY spectral_type
;
