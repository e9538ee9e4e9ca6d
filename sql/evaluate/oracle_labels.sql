-- Title:   True labels of every star (truth_stars, truth_visits)
-- Grain:   one row per star (star_id).
-- Reads:   extinction.labels, sample.visits
SELECT s.star_id, t.teff, t.logg, t.feh
FROM extinction.labels AS s
INNER JOIN sample.visits AS v ON s.star_id = v.star_id AND v.uniqflag = 1
INNER JOIN truth_visits AS w ON v.specid = w.specid
INNER JOIN truth_stars AS t ON w.name = t.name
;
