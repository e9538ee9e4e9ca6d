-- Title:   Distance: both terms alone, what was used, and the answer
-- Grain:   one row.
-- Reads:   catalog.ob_stars
SELECT 1 / nullif(parallax_spec, 0) AS kpc_by_spectrum
    , CASE WHEN parallax > parallax_offset THEN 1 / (parallax - parallax_offset) END AS kpc_by_parallax
    , CASE
        WHEN dis IS NULL AND quality & (32768 + 65536 + 131072 + 524288) = 0 THEN 'neither'
        WHEN quality & 32768 > 0 AND binary_flag = 1 THEN 'parallax alone: a binary outshines its spectrum'
        WHEN quality & 32768 > 0 THEN 'parallax alone: no spectroscopic term'
        WHEN quality & 65536 > 0 THEN 'spectrum alone: no parallax'
        ELSE 'both'
    END AS terms_used
    , dis, dis_low, dis_high, logdis, logdis_err, x, y, z AS z_kpc
FROM catalog.ob_stars
WHERE specid = $specid
;
