-- Title:   Training stars with sentinels, and magnitudes without an error, as NULL.
-- Grain:   one row per row of the input.
-- Reads:   raw.training
-- Paper:   section 5.1; METHOD section 4
CREATE VIEW stage.training AS
SELECT
    rowid AS row
    , name
    , specid
    , CASE WHEN obsid > 0 THEN obsid END AS obsid
    , fitsname
    , ra
    , dec
    , CASE WHEN source_id > 0 THEN source_id END AS source_id
    , CASE WHEN isfinite(parallax_error) AND parallax_error > 0 THEN meta.valid(parallax) END AS parallax
    , CASE WHEN meta.valid(parallax) IS NOT NULL AND parallax_error > 0 THEN meta.finite(parallax_error) END
        AS parallax_error
    , meta.valid(parallax_offset) AS parallax_offset
    , CASE WHEN teff BETWEEN 2000 AND 100000 THEN teff END AS teff
    , CASE WHEN logg BETWEEN -1 AND 9 THEN logg END AS logg
    , CASE WHEN feh BETWEEN -5 AND 1.5 THEN feh END AS feh
    , meta.measured(given_ebv, given_ebv_err) AS given_ebv
    , meta.measured_err(given_ebv, given_ebv_err) AS given_ebv_err
    , meta.measured(given_a_ks, given_a_ks_err) AS given_a_ks
    , meta.measured_err(given_a_ks, given_a_ks_err) AS given_a_ks_err
    , meta.measured(ks_m, ks_msigcom) AS ks
    , meta.measured_err(ks_m, ks_msigcom) AS ks_err
    , meta.measured(b, b_err) AS b
    , meta.measured_err(b, b_err) AS b_err
    , meta.measured(v, v_err) AS v
    , meta.measured_err(v, v_err) AS v_err
    , meta.measured(g, g_err) AS g
    , meta.measured_err(g, g_err) AS g_err
    , meta.measured(r, r_err) AS r
    , meta.measured_err(r, r_err) AS r_err
    , meta.measured(i, i_err) AS i
    , meta.measured_err(i, i_err) AS i_err
    , meta.measured(phot_bp_mean_mag, phot_bp_mean_mag_error) AS bp
    , meta.measured_err(phot_bp_mean_mag, phot_bp_mean_mag_error) AS bp_err
    , meta.measured(phot_rp_mean_mag, phot_rp_mean_mag_error) AS rp
    , meta.measured_err(phot_rp_mean_mag, phot_rp_mean_mag_error) AS rp_err
    , meta.measured(j_m, j_msigcom) AS j
    , meta.measured_err(j_m, j_msigcom) AS j_err
    , meta.measured(h_m, h_msigcom) AS h
    , meta.measured_err(h_m, h_msigcom) AS h_err
FROM raw.training
;
