-- Title:   Distance: both terms alone, what was used, and the answer
-- Grain:   one row.
-- Reads:   catalog.ob_stars
SELECT 1 / nullif(parallax_spec, 0) AS kpc_by_spectrum
    , CASE WHEN parallax_corrected > 0 THEN 1 / parallax_corrected END AS kpc_by_parallax
    , CASE
        WHEN dis IS NULL AND NOT has_bit(quality, 'parallax_only') AND NOT has_bit(quality, 'spectrum_only')
            AND NOT has_bit(quality, 'distance_edge') AND NOT has_bit(quality, 'distance_wide') THEN 'neither'
        WHEN has_bit(quality, 'parallax_only') AND binary_flag = 1
            THEN 'parallax alone: a binary outshines its spectrum'
        WHEN has_bit(quality, 'parallax_only') THEN 'parallax alone: no spectroscopic term'
        WHEN has_bit(quality, 'spectrum_only') THEN 'spectrum alone: no parallax'
        ELSE 'both'
    END AS terms_used
    , dis, dis_low, dis_high, logdis, logdis_err, x, y, z AS z_kpc
FROM catalog.ob_stars
WHERE specid = $specid
;
