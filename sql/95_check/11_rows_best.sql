-- Title:   The table of best mode has the spectra of the catalog, or none where best mode is left out.
-- Level:   fail
-- Reads:   catalog.ob_stars, catalog.ob_stars_best, catalog.catalog_diff
-- Mode:    best
SELECT o.specid
FROM catalog.ob_stars AS o
FULL JOIN catalog.ob_stars_best AS b ON o.specid = b.specid
FULL JOIN catalog.catalog_diff AS d ON o.specid = d.specid
WHERE (o.specid IS NULL OR b.specid IS NULL OR d.specid IS NULL) AND EXISTS (FROM catalog.ob_stars_best)
;
