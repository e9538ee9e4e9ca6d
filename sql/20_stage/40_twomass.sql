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
        , CASE WHEN coalesce(substr(ph_qual, 1, 1), 'A') NOT IN ('U', 'X', 'F') THEN meta.valid_error(j_msigcom) END
            AS j_err
        , CASE WHEN coalesce(substr(ph_qual, 2, 1), 'A') NOT IN ('U', 'X', 'F') THEN meta.valid_error(h_msigcom) END
            AS h_err
        , CASE WHEN coalesce(substr(ph_qual, 3, 1), 'A') NOT IN ('U', 'X', 'F') THEN meta.valid_error(ks_msigcom) END
            AS ks_err
        , meta.valid_mag(j_m) AS j
        , meta.valid_mag(h_m) AS h
        , meta.valid_mag(ks_m) AS ks
    FROM raw.twomass
)
SELECT
    row
    , designation
    , source_id
    , CASE WHEN j_err IS NOT NULL THEN j END AS j
    , CASE WHEN j IS NOT NULL THEN j_err END AS j_err
    , CASE WHEN h_err IS NOT NULL THEN h END AS h
    , CASE WHEN h IS NOT NULL THEN h_err END AS h_err
    , CASE WHEN ks_err IS NOT NULL THEN ks END AS ks
    , CASE WHEN ks IS NOT NULL THEN ks_err END AS ks_err
FROM bands
;
