-- Title:   g, r, i on the system of XSTPS-GAC from wherever the survey has them, in order of preference.
-- Grain:   one row per (origin, source); source is a row of raw.xstps or raw.ps1; of the headers, the specid names it.
-- Reads:   stage.xstps, stage.ps1, stage.header_gri
-- Paper:   METHOD section 3; the public has no table of XSTPS-GAC
CREATE VIEW stage.gri AS
SELECT 1 AS preference, 'xstps' AS origin, row AS source, NULL AS specid, g, g_err, r, r_err, i, i_err FROM stage.xstps
UNION ALL
SELECT 2, 'plate', NULL, specid, g, g_err, r, r_err, i, i_err FROM stage.header_gri
UNION ALL
SELECT 3, 'ps1', row, NULL, g, g_err, r, r_err, i, i_err FROM stage.ps1
;
