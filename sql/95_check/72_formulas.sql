-- Title:   No text of the catalog is a formula to a spreadsheet.
-- Level:   warn
-- Reads:   catalog.ob_stars
SELECT specid, fitsname, label_source
FROM catalog.ob_stars
WHERE regexp_matches(fitsname, '^[=+@-]') OR regexp_matches(label_source, '^[=+@-]')
;
