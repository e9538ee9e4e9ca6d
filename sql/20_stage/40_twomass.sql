-- Title:   2MASS with upper limits (quality U), missing fits (X), unknown errors (F) and sentinels as NULL.
-- Grain:   one row per row of the input.
-- Reads:   raw.twomass
-- Paper:   METHOD section 3
CREATE VIEW stage.twomass AS
WITH bands AS (
    SELECT
        rowid AS row
        , designation
        , source_id
        , CASE WHEN coalesce(substr(ph_qual, 1, 1), 'A') NOT IN ('U', 'X', 'F') THEN j_msigcom END
            AS j_err
        , CASE WHEN coalesce(substr(ph_qual, 2, 1), 'A') NOT IN ('U', 'X', 'F') THEN h_msigcom END
            AS h_err
        , CASE WHEN coalesce(substr(ph_qual, 3, 1), 'A') NOT IN ('U', 'X', 'F') THEN ks_msigcom END
            AS ks_err
        , j_m AS j
        , h_m AS h
        , ks_m AS ks
    FROM raw.twomass
)
SELECT
    row
    , designation
    , source_id
    , meta.measured(j, j_err) AS j, meta.measured_err(j, j_err) AS j_err
    , meta.measured(h, h_err) AS h, meta.measured_err(h, h_err) AS h_err
    , meta.measured(ks, ks_err) AS ks, meta.measured_err(ks, ks_err) AS ks_err
FROM bands
;
