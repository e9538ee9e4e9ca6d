-- Title:   Positions of every row of every catalog, moved with proper motion to the epoch of the targets.
-- Grain:   one row per (catalog, source).
-- Reads:   stage.gaia_sources, raw.twomass, raw.xstps, raw.ps1, raw.apass, raw.labels, meta.parameters
-- Paper:   METHOD section 3; Gaia positions without an epoch are taken for those of DR2, 2015.5
CREATE VIEW stage.sources AS
SELECT
    'gaia' AS catalog
    , g.source_id AS source
    , g.ra - coalesce(meta.valid(g.pmra), 0) * (coalesce(meta.valid(g.ref_epoch), 2015.5) - p.position_epoch)
    / 3.6e6 / greatest(cos(radians(g.dec)), 1e-6) AS ra
    , g.dec - coalesce(meta.valid(g.pmdec), 0) * (coalesce(meta.valid(g.ref_epoch), 2015.5) - p.position_epoch)
    / 3.6e6 AS dec
FROM stage.gaia_sources AS g
CROSS JOIN meta.parameters AS p
UNION ALL
SELECT 'twomass', rowid, ra, dec FROM raw.twomass
UNION ALL
SELECT 'xstps', rowid, ra, dec FROM raw.xstps
UNION ALL
SELECT 'ps1', rowid, ra, dec FROM raw.ps1
UNION ALL
SELECT 'apass', rowid, ra, dec FROM raw.apass
UNION ALL
SELECT 'labels', rowid, ra, dec FROM raw.labels WHERE isfinite(ra) AND isfinite(dec)
;
