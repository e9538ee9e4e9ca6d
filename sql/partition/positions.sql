-- Title:   Where a spectrum belongs: the position of the best visit of its star, else its own.
-- Grain:   one row per spectrum (specid).
-- Reads:   stage.headers, sample.visits
SELECT h.specid, v.star_id, coalesce(b.ra, h.ra) AS ra, coalesce(b.dec, h.dec) AS dec
FROM stage.headers AS h
LEFT JOIN sample.visits AS v USING (specid)
LEFT JOIN sample.visits AS one ON v.star_id = one.star_id AND one.uniqflag = 1
LEFT JOIN stage.headers AS b ON one.specid = b.specid
ORDER BY h.specid
