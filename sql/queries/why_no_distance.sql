-- Title:   Stars without a distance by what they lack: parallax, Ks, extinction, magnitude from the spectrum
-- Reads:   catalog.ob_stars
SELECT parallax IS NULL AS no_parallax, ks IS NULL AS no_ks, ebv IS NULL AS no_ebv, mk IS NULL AS no_mk
    , count(*) AS stars, min(specid) AS example
FROM catalog.ob_stars
WHERE uniqflag = 1 AND dis IS NULL
GROUP BY ALL
ORDER BY stars DESC, example
;
