-- Title:   Labels: every row of the label table that fits the star, and by what it fits
-- Grain:   one row per candidate.
-- Reads:   sample.label_matches, stage.labels
SELECT m.row, m.reason, m.chosen, l.teff, l.logg, l.feh, l.label_source
FROM sample.label_matches AS m
INNER JOIN stage.labels AS l USING (row)
WHERE m.star_id = $star_id
ORDER BY m.rank
;
