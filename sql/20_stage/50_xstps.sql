-- Title:   XSTPS-GAC with sentinels, and magnitudes without an error, as NULL.
-- Grain:   one row per row of the input.
-- Reads:   raw.xstps
-- Paper:   METHOD section 3
CREATE VIEW stage.xstps AS
SELECT
    rowid AS row
    , CASE WHEN meta.valid_error(g_err) IS NOT NULL THEN meta.valid_mag(g) END AS g
    , CASE WHEN meta.valid_mag(g) IS NOT NULL THEN meta.valid_error(g_err) END AS g_err
    , CASE WHEN meta.valid_error(r_err) IS NOT NULL THEN meta.valid_mag(r) END AS r
    , CASE WHEN meta.valid_mag(r) IS NOT NULL THEN meta.valid_error(r_err) END AS r_err
    , CASE WHEN meta.valid_error(i_err) IS NOT NULL THEN meta.valid_mag(i) END AS i
    , CASE WHEN meta.valid_mag(i) IS NOT NULL THEN meta.valid_error(i_err) END AS i_err
FROM raw.xstps
;
