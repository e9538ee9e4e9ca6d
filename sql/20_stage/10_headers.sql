-- Title:   Header values with sentinels as NULL, radial velocity, and S/N computed where the header has none.
-- Grain:   one row per spectrum (specid).
-- Reads:   raw.headers, meta.parameters
-- Paper:   METHOD section 1; LAMOST sentinels -9999 and 0, ceilings 99 (DR1) and 999
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
    , NOT coalesce(meta.header_snr(snr_g) > 0, false) AS snr_g_computed
    , coalesce(meta.header_snr(snr_g), CASE WHEN meta.finite(h.snr_g_computed) > 0 THEN h.snr_g_computed END) AS snr_g
    , coalesce(
        meta.finite(h.snr_g_computed) NOT BETWEEN meta.header_snr(h.snr_g) / p.snr_contradiction
        AND meta.header_snr(h.snr_g) * p.snr_contradiction
        , false) AS ivar_contradicts
    , n_high_ivar
    , meta.other_class(class, subclass) AS is_other
FROM raw.headers AS h
CROSS JOIN meta.parameters AS p
;
