-- Title:   Stars without a distance by what they lack: a parallax, a good one, Ks, extinction, M_spec
-- Reads:   catalog.ob_stars
SELECT parallax IS NULL AS no_parallax, has_bit(quality, 'parallax_poor') AS poor_parallax
    , coalesce(binary_flag = 1, false) AS is_binary, ks IS NULL AS no_ks, ebv IS NULL AS no_ebv, mk IS NULL AS no_mk
    , count(*) AS stars, min(specid) AS example
FROM catalog.ob_stars
WHERE uniqflag = 1 AND dis IS NULL
GROUP BY ALL
ORDER BY stars DESC, example
;
