-- Title:   XSTPS-GAC with sentinels, and magnitudes without an error, as NULL.
-- Grain:   one row per row of the input.
-- Reads:   raw.xstps
-- Paper:   METHOD section 3
CREATE VIEW stage.xstps AS
SELECT
    rowid AS row
    , meta.measured(g, g_err) AS g, meta.measured_err(g, g_err) AS g_err
    , meta.measured(r, r_err) AS r, meta.measured_err(r, r_err) AS r_err
    , meta.measured(i, i_err) AS i, meta.measured_err(i, i_err) AS i_err
FROM raw.xstps
;
