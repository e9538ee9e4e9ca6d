-- Title:   Pan-STARRS1 on the system of XSTPS-GAC (SDSS), with sentinels, and magnitudes without an error, as NULL.
-- Grain:   one row per row of the input.
-- Reads:   raw.ps1
-- Paper:   Tonry et al. (2012), table 6: quadratic in g - r of Pan-STARRS1; without g and r a magnitude cannot be moved
CREATE VIEW stage.ps1 AS
WITH good AS (
    SELECT
        rowid AS row
        , meta.measured(g, g_err) AS g
        , meta.measured(r, r_err) AS r
        , meta.measured(i, i_err) AS i
        , g_err
        , r_err
        , i_err
    FROM raw.ps1
)
, moved AS (
    SELECT
        row
        , g + 0.013 + 0.145 * (g - r) + 0.019 * (g - r) ** 2 AS g
        , r - 0.001 + 0.004 * (g - r) + 0.007 * (g - r) ** 2 AS r
        , i - 0.005 + 0.011 * (g - r) + 0.010 * (g - r) ** 2 AS i
        , g_err
        , r_err
        , i_err
    FROM good
)
SELECT
    row
    , g
    , CASE WHEN g IS NOT NULL THEN g_err END AS g_err
    , r
    , CASE WHEN r IS NOT NULL THEN r_err END AS r_err
    , i
    , CASE WHEN i IS NOT NULL THEN i_err END AS i_err
FROM moved
;
