-- Title:   Rows of the truth (truth_stars, truth_visits), of what was read, and of the catalog
-- Grain:   one row per count.
-- Reads:   raw.files, raw.rejected_rows, luminosity.supplement, catalog.ob_stars
SELECT 'spectra in the truth' AS what, count(*) AS n FROM truth_visits
UNION ALL SELECT 'files ' || status, count(*) FROM raw.files GROUP BY status
UNION ALL SELECT 'rows of tables rejected', count(*) FROM raw.rejected_rows
UNION ALL SELECT 'training stars from outside the sample', count(*) FROM luminosity.supplement WHERE is_train = 1
UNION ALL SELECT 'rows of the catalog', count(*) FROM catalog.ob_stars
UNION ALL SELECT 'stars of the catalog', count(DISTINCT star_id) FROM catalog.ob_stars
UNION ALL SELECT 'stars in the truth', count(*) FROM truth_stars
UNION ALL SELECT 'files quarantined: ' || reason, count(*) FROM raw.files WHERE reason IS NOT NULL GROUP BY reason
ORDER BY 1
;
