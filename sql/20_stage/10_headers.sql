-- Title:   Header values with sentinels as NULL, radial velocity, and S/N computed where the header has none.
-- Grain:   one row per spectrum (specid).
-- Reads:   raw.headers
-- Paper:   METHOD section 1; LAMOST sentinels -9999, ceilings 99 (DR1) and 999
CREATE VIEW stage.headers AS
SELECT
    specid
    , fitsname
    , CASE WHEN obsid > 0 THEN obsid END AS obsid
    , coalesce(obsid <= 0, false) AS obsid_impossible
    , ra
    , dec
    , meta.redshift(z) AS z
    , 299792.458 * meta.redshift(z) AS rv
    , 299792.458 * CASE WHEN isfinite(z_err) AND z_err >= 0 THEN z_err END AS rv_err
    , NOT coalesce(isfinite(snr_g) AND snr_g >= 0 AND snr_g NOT IN (99, 999), false) AS snr_g_computed
    , CASE
        WHEN isfinite(snr_g) AND snr_g >= 0 AND snr_g NOT IN (99, 999) THEN snr_g
        ELSE meta.finite(snr_g_computed)
    END AS snr_g
    , n_high_ivar
FROM raw.headers
;
