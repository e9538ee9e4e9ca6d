-- Title:   Gaia sources of the release that the survey gives, DR2 or DR3.
-- Grain:   one row per source_id.
-- Reads:   raw.gaia_dr2, raw.gaia_dr3
-- Paper:   METHOD section 3; BP and RP of DR3 are other passbands than those of the intrinsic colours, and are left out
CREATE VIEW stage.gaia_sources AS
WITH releases AS (
    SELECT 2 AS release, source_id, ra, dec, ref_epoch, parallax, parallax_error, pmra, pmra_error, pmdec, pmdec_error
        , phot_g_mean_mag, phot_bp_mean_mag, phot_rp_mean_mag, phot_bp_mean_flux_over_error
        , phot_rp_mean_flux_over_error, ruwe
    FROM raw.gaia_dr2
    UNION ALL
    SELECT 3, source_id, ra, dec, ref_epoch, parallax, parallax_error, pmra, pmra_error, pmdec, pmdec_error
        , phot_g_mean_mag, NULL, NULL, NULL, NULL, ruwe
    FROM raw.gaia_dr3
)
SELECT
    release
    , source_id
    , ra
    , dec
    , meta.finite(COLUMNS(* EXCLUDE (release, source_id, ra, dec)))
FROM releases
;
