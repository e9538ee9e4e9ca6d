-- Title:   True parallax of every star that has one; its stated error stays (truth_stars, truth_visits)
-- Grain:   one row per star (star_id).
-- Reads:   sample.stars, sample.visits
SELECT s.star_id, CASE WHEN s.parallax IS NOT NULL THEN 1 / t.distance_kpc + s.parallax_offset END AS parallax
    , CASE WHEN s.parallax_corrected IS NOT NULL THEN 1 / t.distance_kpc END AS parallax_corrected
FROM sample.stars AS s
INNER JOIN sample.visits AS v ON s.star_id = v.star_id AND v.uniqflag = 1
INNER JOIN truth_visits AS w ON v.specid = w.specid
INNER JOIN truth_stars AS t ON w.name = t.name
;
