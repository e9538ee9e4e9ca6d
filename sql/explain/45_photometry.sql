-- Title:   Magnitudes that make the colours; of g, r and i only those of one survey
-- Grain:   one row per band.
-- Reads:   extinction.photometry
SELECT unnest(['B', 'V', 'g', 'r', 'i', 'BP', 'RP', 'J', 'H']) AS band
    , unnest([b, v, g, r, i, bp, rp, j, h]) AS mag
    , unnest([b_err, v_err, g_err, r_err, i_err, bp_err, rp_err, j_err, h_err]) AS mag_err
FROM extinction.photometry
WHERE star_id = $star_id
;
