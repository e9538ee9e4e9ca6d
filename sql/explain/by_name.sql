-- Title:   The spectrum or star of a name
-- Grain:   one row.
-- Reads:   raw.headers, sample.visits, sample.targets
SELECT v.specid, v.star_id, 'specid' AS way
FROM sample.visits AS v
WHERE v.specid = $text
UNION ALL
SELECT v.specid, v.star_id, 'star_id'
FROM sample.visits AS v
WHERE v.star_id = $text AND v.uniqflag = 1
UNION ALL
SELECT v.specid, v.star_id, 'name of a target'
FROM sample.targets AS t
INNER JOIN sample.visits AS v USING (specid)
WHERE t.name = $text
UNION ALL
SELECT v.specid, v.star_id, 'LAMOST designation'
FROM raw.headers AS h
INNER JOIN sample.visits AS v USING (specid)
WHERE h.desig IN ($text, 'LAMOST ' || $text)
ORDER BY 1
LIMIT 1
;
