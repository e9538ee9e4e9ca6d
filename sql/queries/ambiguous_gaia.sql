-- Title:   Stars with several Gaia candidates: each candidate, and the reason for or against it
-- Reads:   sample.gaia_matches, sample.stars
SELECT m.star_id, s.ra, s.dec, m.source_id, m.separation, m.colour, m.colour_limit, m.rank, m.chosen, m.reason
FROM sample.gaia_matches AS m
INNER JOIN sample.stars AS s USING (star_id)
QUALIFY count(*) OVER (PARTITION BY m.star_id) > 1
ORDER BY m.star_id, m.rank
;
