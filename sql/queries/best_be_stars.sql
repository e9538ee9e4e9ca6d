-- Title:   Best mode: Be stars, that is discs and not nebulae; first those whose disc shines in Ks
-- Reads:   catalog.ob_stars_best
SELECT star_id, teff, mk, halpha_ew, halpha_ew_err, p_kind, peak_separation, excess_ks, excess_ks_err
    , excess_ks / nullif(excess_ks_err, 0) AS nsigma
FROM catalog.ob_stars_best
WHERE uniqflag = 1 AND em_flag = 1 AND emission_kind = 'disc' AND p_kind > 0.9 AND teff BETWEEN 10000 AND 31500
ORDER BY nsigma DESC NULLS LAST, star_id
;
