-- Title:   What the plots draw: one row per star, its best visit; each line after the names is one number
-- Grain:   one row per star (star_id).
-- Reads:   catalog.ob_stars
SELECT specid, star_id
    , ra
    , dec
    , galactic_l(ra, dec) AS l
    , galactic_b(ra, dec) AS b
    , teff
    , j - ks AS j_ks
    , h - ks AS h_ks
    , mk
    , mk_geo
    , x
    , y
    , z
    , dis
    , (dis_high - dis_low) / 2 / nullif(dis, 0) AS dis_error
    , ebv
    , snr_g
    , snr_dparallax
    , halpha_ew
    , binary_flag
    , em_flag
FROM catalog.ob_stars
WHERE uniqflag = 1
ORDER BY specid
;
