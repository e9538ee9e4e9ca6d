-- Title:   Spectra of the catalog that the truth (truth_stars, truth_visits) does not know
-- Grain:   one row per spectrum (specid).
-- Reads:   catalog.ob_stars
SELECT c.specid
FROM catalog.ob_stars AS c
LEFT JOIN truth_visits AS v ON c.specid = v.specid
LEFT JOIN truth_stars AS s ON v.name = s.name
WHERE s.name IS NULL
ORDER BY c.specid
;
