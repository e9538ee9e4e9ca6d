-- Title:   2MASS, XSTPS-GAC and APASS: every candidate (row of its table), and the reason for or against it
-- Grain:   one row per candidate.
-- Reads:   sample.photometry_matches, stage.twomass, raw.twomass
SELECT m.catalog, m.source, t.designation, q.ph_qual, m.separation, m.chosen, m.reason
FROM sample.photometry_matches AS m
LEFT JOIN stage.twomass AS t ON m.catalog = 'twomass' AND m.source = t.row
LEFT JOIN (SELECT DISTINCT designation, ph_qual FROM raw.twomass) AS q ON t.designation = q.designation
WHERE m.star_id = $star_id
ORDER BY m.catalog, m.rank
;
