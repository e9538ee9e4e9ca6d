-- Title:   Ks without the light of companions (truth_stars, truth_visits)
-- Grain:   one row per star (star_id).
-- Reads:   sample.stars, sample.visits
SELECT s.star_id, s.ks + t.mk - t.mk_system AS ks
FROM sample.stars AS s
INNER JOIN sample.visits AS v ON s.star_id = v.star_id AND v.uniqflag = 1
INNER JOIN truth_visits AS w ON v.specid = w.specid
INNER JOIN truth_stars AS t ON w.name = t.name
;
