-- Title:   Gaia with sentinels as NULL, the zero point of every parallax, and magnitude errors.
-- Grain:   one row per source_id.
-- Reads:   stage.gaia_sources, stage.zero_point
-- Paper:   METHOD section 4
CREATE VIEW stage.gaia AS
SELECT
    g.source_id
    , CASE WHEN isfinite(g.parallax_error) AND g.parallax_error > 0 THEN meta.valid(g.parallax) END AS parallax
    , CASE WHEN meta.valid(g.parallax) IS NOT NULL AND g.parallax_error > 0 THEN meta.finite(g.parallax_error) END
        AS parallax_error
    , z.parallax_offset
    , z.zero_point_source AS zero_point
    , meta.valid(g.pmra) AS pmra
    , meta.valid(g.pmra_error) AS pmra_error
    , meta.valid(g.pmdec) AS pmdec
    , meta.valid(g.pmdec_error) AS pmdec_error
    , CASE WHEN isfinite(g.ruwe) AND g.ruwe > 0 THEN g.ruwe END AS ruwe
    , meta.valid_mag(g.phot_g_mean_mag) AS g_gaia
    , CASE WHEN g.phot_bp_mean_flux_over_error > 0 THEN meta.valid_mag(g.phot_bp_mean_mag) END AS bp
    , CASE
        WHEN g.phot_bp_mean_flux_over_error > 0 AND meta.valid_mag(g.phot_bp_mean_mag) IS NOT NULL
            THEN 2.5 / ln(10) / g.phot_bp_mean_flux_over_error
    END AS bp_err
    , CASE WHEN g.phot_rp_mean_flux_over_error > 0 THEN meta.valid_mag(g.phot_rp_mean_mag) END AS rp
    , CASE
        WHEN g.phot_rp_mean_flux_over_error > 0 AND meta.valid_mag(g.phot_rp_mean_mag) IS NOT NULL
            THEN 2.5 / ln(10) / g.phot_rp_mean_flux_over_error
    END AS rp_err
FROM stage.gaia_sources AS g
INNER JOIN stage.zero_point AS z USING (source_id)
;
