-- Title:   What best mode changed, spectrum by spectrum, and why.
-- Grain:   one row per spectrum (specid).
-- Reads:   catalog.ob_stars, catalog.ob_stars_best, meta.parameters
-- Mode:    best
INSERT INTO catalog.catalog_diff BY NAME
WITH compared AS (
    SELECT
        o.specid
        , o.star_id
        , o.mk
        , b.mk AS mk_best
        , (b.mk - o.mk) / sqrt(o.mk_err ** 2 + b.mk_err ** 2) AS mk_nsigma
        , o.dis
        , b.dis AS dis_best
        , (b.logdis - o.logdis) / sqrt(o.logdis_err ** 2 + b.logdis_err ** 2) AS dis_nsigma
        , o.ebv
        , b.ebv AS ebv_best
        , (b.ebv - o.ebv) / sqrt(o.ebv_err ** 2 + b.ebv_err ** 2) AS ebv_nsigma
        , o.em_flag
        , b.em_flag AS em_flag_best
        , (b.p_companion > p.best_companion_threshold) != (o.binary_flag = 1) AS companion_changed
        , b.r_v
        , b.r_v_err
        , b.worst_band
        , b.worst_z
        , abs(b.teff - o.teff) > 2 * o.teff_err AS labels_moved
    FROM catalog.ob_stars AS o
    INNER JOIN catalog.ob_stars_best AS b USING (specid)
    CROSS JOIN meta.parameters AS p
)
, causes AS (
    SELECT compared.*, array_to_string([
            CASE WHEN em_flag IS DISTINCT FROM em_flag_best THEN 'emission' END
            , CASE WHEN abs(ebv_nsigma) > 2 AND worst_z > 3 THEN 'band ' || worst_band || ' doubted' END
            , CASE WHEN abs(ebv_nsigma) > 2 AND abs(r_v - 3.1) > 2 * r_v_err THEN 'R_V' END
            , CASE WHEN abs(ebv_nsigma) > 2 AND labels_moved THEN 'labels' END
            , CASE WHEN abs(ebv_nsigma) > 2 THEN 'all bands at once' END
            , CASE WHEN greatest(abs(mk_nsigma), abs(dis_nsigma)) > 2 AND companion_changed THEN 'companion' END
            , CASE WHEN greatest(abs(mk_nsigma), abs(dis_nsigma)) > 2 THEN 'magnitude with its own parallax' END
        ], '; ') AS reason
    FROM compared
)
SELECT * EXCLUDE (companion_changed, r_v, r_v_err, worst_band, worst_z, labels_moved)
FROM causes
ORDER BY specid
;
