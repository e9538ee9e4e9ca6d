-- Title:   Stars of a name in the list of targets, or of a LAMOST designation, with or without the word LAMOST
-- Grain:   one row per star.
-- Reads:   raw.headers, sample.targets, sample.visits
SELECT v.star_id
FROM sample.visits AS v
INNER JOIN sample.targets AS t USING (specid)
WHERE lower(t.name) = lower($name)
UNION
SELECT v.star_id
FROM sample.visits AS v
INNER JOIN raw.headers AS h USING (specid)
WHERE lower(h.desig) IN (lower($name), 'lamost ' || lower($name))
ORDER BY 1
;
