-- Title:   Every catalog row within the match radius of a star.
-- Grain:   one row per (star_id, catalog, source).
-- Reads:   sample.visits, stage.headers, stage.sources, meta.parameters
-- Paper:   METHOD section 3; cells of the sky, so that a pair is found across 0 h and near the poles
INSERT INTO sample.pairs BY NAME
WITH stars AS (
    SELECT v.star_id, h.ra, h.dec, p.match_radius
        , unnest(meta.sky_cells(h.ra, h.dec, p.match_radius)) AS cell
    FROM sample.visits AS v
    INNER JOIN stage.headers AS h USING (specid)
    CROSS JOIN meta.parameters AS p
    WHERE v.uniqflag = 1
)
, sources AS (
    SELECT s.catalog, s.source, s.ra, s.dec, meta.sky_cell(s.ra, s.dec, p.match_radius) AS cell
    FROM stage.sources AS s
    CROSS JOIN meta.parameters AS p
)
SELECT a.star_id, b.catalog, b.source, meta.separation_arcsec(a.ra, a.dec, b.ra, b.dec) AS separation
FROM stars AS a
INNER JOIN sources AS b USING (cell)
WHERE meta.separation_arcsec(a.ra, a.dec, b.ra, b.dec) <= a.match_radius
ORDER BY a.star_id, b.catalog, b.source
;
