-- Title:   Joins with the catalogs neither gained nor lost a star.
-- Level:   fail
-- Reads:   sample.visits, sample.stars
SELECT v.star_id, count(s.star_id) AS rows_of_star
FROM (SELECT DISTINCT star_id FROM sample.visits) AS v
FULL JOIN sample.stars AS s USING (star_id)
GROUP BY v.star_id
HAVING v.star_id IS NULL OR rows_of_star <> 1
;
