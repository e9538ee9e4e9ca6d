-- Title:   The stars that models are learnt from, by a hash of their names.
-- Grain:   one row per star (star_id).
-- Reads:   sample.visits, meta.parameters
SELECT v.star_id
FROM sample.visits AS v
CROSS JOIN meta.parameters AS p
WHERE v.uniqflag = 1
QUALIFY row_number() OVER (ORDER BY meta.hash_fraction(v.star_id), v.star_id) <= p.fit_max_stars
