-- Title:   g, r, i that a star is offered: of the sources matched to it, and of the headers of its visits.
-- Grain:   one row per (star_id, origin, visit); visit is 0 where no header names it.
-- Reads:   sample.photometry_matches, sample.visits, stage.gri
-- Paper:   METHOD section 3
CREATE VIEW sample.gri AS
SELECT m.star_id, 0 AS visit, x.preference, x.origin, x.source, x.specid, x.g, x.g_err, x.r, x.r_err, x.i, x.i_err
FROM sample.photometry_matches AS m
INNER JOIN stage.gri AS x ON m.catalog = x.origin AND m.source = x.source
WHERE m.chosen = 1
UNION ALL
SELECT v.star_id, v.uniqflag, x.preference, x.origin, x.source, x.specid, x.g, x.g_err, x.r, x.r_err, x.i, x.i_err
FROM sample.visits AS v
INNER JOIN stage.gri AS x USING (specid)
;
