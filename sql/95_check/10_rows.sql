-- Title:   Every visit of the sample has its row in the catalog, and the catalog has no other.
-- Level:   fail
-- Reads:   sample.visits, catalog.ob_stars
SELECT v.specid AS visit, c.specid AS catalog_row
FROM sample.visits AS v
FULL JOIN catalog.ob_stars AS c ON v.specid = c.specid AND v.star_id = c.star_id AND v.uniqflag = c.uniqflag
WHERE v.specid IS NULL OR c.specid IS NULL
;
