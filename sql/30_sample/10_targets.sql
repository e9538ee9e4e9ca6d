-- Title:   The spectra the survey asks for: those its list names by specid, obsid, file or position; without a list, all.
-- Grain:   one row per spectrum (specid).
-- Reads:   stage.headers, raw.targets, meta.parameters
-- Paper:   section 2
INSERT INTO sample.targets BY NAME
WITH listed AS (
    SELECT t.rowid AS row, t.ra, t.dec, unnest(meta.sky_cells(t.ra, t.dec, p.match_radius)) AS cell
    FROM raw.targets AS t
    CROSS JOIN meta.parameters AS p
    WHERE isfinite(t.ra) AND isfinite(t.dec)
)
, named AS (
    SELECT h.specid, t.rowid AS row, 0.0 AS separation
    FROM stage.headers AS h INNER JOIN raw.targets AS t ON h.specid = t.specid
    UNION ALL
    SELECT h.specid, t.rowid, 0.0 FROM stage.headers AS h INNER JOIN raw.targets AS t ON h.obsid = t.obsid
    UNION ALL
    SELECT h.specid, t.rowid, 0.0 FROM stage.headers AS h INNER JOIN raw.targets AS t ON h.fitsname = t.fitsname
    UNION ALL
    SELECT h.specid, l.row, meta.separation_arcsec(h.ra, h.dec, l.ra, l.dec) AS separation
    FROM stage.headers AS h
    CROSS JOIN meta.parameters AS p
    INNER JOIN listed AS l ON meta.sky_cell(h.ra, h.dec, p.match_radius) = l.cell
    WHERE meta.separation_arcsec(h.ra, h.dec, l.ra, l.dec) <= p.match_radius
)
SELECT h.specid, arg_min(t.name, (n.separation, n.row)) AS name
    , arg_min(t.source_id, (n.separation, n.row)) FILTER (t.source_id IS NOT NULL) AS source_id
FROM stage.headers AS h
LEFT JOIN named AS n USING (specid)
LEFT JOIN raw.targets AS t ON n.row = t.rowid
WHERE n.row IS NOT NULL OR NOT EXISTS (FROM raw.targets)
GROUP BY h.specid
ORDER BY h.specid
;
