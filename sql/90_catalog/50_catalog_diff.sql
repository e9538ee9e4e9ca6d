-- Title:   What best mode changed, spectrum by spectrum, and why.
-- Grain:   one row per spectrum (specid).
-- Reads:   catalog.ob_stars, catalog.ob_stars_best, meta.parameters
-- Mode:    best
INSERT INTO catalog.catalog_diff BY NAME
WITH compared AS (
    SELECT
        o.specid, o.star_id
        , o.mk, b.mk AS mk_best
        , (b.mk - o.mk) / sqrt(o.mk_err ** 2 + b.mk_err ** 2) AS mk_nsigma
        , o.dis, b.dis AS dis_best
        , (b.logdis - o.logdis) / sqrt(o.logdis_err ** 2 + b.logdis_err ** 2) AS dis_nsigma
        , o.ebv, b.ebv AS ebv_best
        , (b.ebv - o.ebv) / sqrt(o.ebv_err ** 2 + b.ebv_err ** 2) AS ebv_nsigma
        , o.em_flag, b.em_flag AS em_flag_best
        , abs(ebv_nsigma) > 2 AS dust_moved
        , coalesce(abs(mk_nsigma) > 2, false) AS magnitude_moved
        , coalesce(abs(dis_nsigma) > 2, false) AS distance_moved
        , b.worst_band, coalesce(b.worst_z > 3, false) AS band_doubted
        , coalesce(abs(b.r_v - 3.1) > 2 * b.r_v_err, false) AS other_law
        , coalesce(abs(b.teff - o.teff) > 2 * o.teff_err, false) AS labels_moved
        -- mag by which M or the distance modulus moved
        , abs(b.mk_spec - o.mk) AS by_spectrum
        , abs(b.mk - b.mk_spec) AS by_parallax
        , 5 / ln(10) * b.dis * abs(b.parallax_offset - o.parallax_offset) AS by_zero_point
        , CASE WHEN coalesce(b.p_companion > p.best_companion_threshold, false) OR o.binary_flag = 1
            THEN b.mk - b.mk_system END AS by_companion
        , CASE WHEN distance_moved THEN abs(b.a_ks - o.a_ks) END AS by_dust
        , b.p_other > 0.5 AS is_other, has_bit(o.quality, 'out_of_domain') AS is_strange
    FROM catalog.ob_stars AS o
    INNER JOIN catalog.ob_stars_best AS b USING (specid)
    CROSS JOIN meta.parameters AS p
)
, parts AS (
    SELECT *, [
            {'mag': by_spectrum, 'why': CASE WHEN is_strange THEN 'spectrum out of domain'
                WHEN em_flag_best = 1 THEN 'spectrum with emission' ELSE 'another network' END}
            , {'mag': by_parallax, 'why': CASE WHEN by_zero_point > by_parallax / 2 THEN 'zero point of the parallax'
                ELSE 'its own parallax' END}
            , {'mag': by_companion, 'why': 'companion'}
            , {'mag': by_dust, 'why': 'extinction'}
        ] AS part
        , greatest(by_spectrum, by_parallax, by_companion, by_dust) AS largest
    FROM compared
)
, causes AS (
    SELECT *, list_concat([
            CASE WHEN em_flag IS DISTINCT FROM em_flag_best THEN 'emission' END
            , CASE WHEN dust_moved AND band_doubted THEN 'band ' || worst_band || ' doubted' END
            , CASE WHEN dust_moved AND other_law THEN 'R_V' END
            , CASE WHEN dust_moved AND labels_moved THEN 'labels' END
            , CASE WHEN dust_moved AND NOT (band_doubted OR other_law OR labels_moved) THEN 'all bands at once' END
            , CASE WHEN (magnitude_moved OR distance_moved) AND is_other THEN 'parallax of another kind of star' END
        ], CASE WHEN magnitude_moved OR distance_moved THEN list_transform(
            list_reverse_sort(list_filter(part, lambda x: x.mag >= largest / 2)), lambda x: x.why
        ) END) AS whys
    FROM parts
)
SELECT
    specid, star_id, mk, mk_best, mk_nsigma, dis, dis_best, dis_nsigma, ebv, ebv_best, ebv_nsigma, em_flag
    , em_flag_best, array_to_string(whys, '; ') AS reason
FROM causes
ORDER BY specid
;
