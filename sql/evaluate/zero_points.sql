-- Title:   Parallax of every star with each zero point that its release of Gaia has, by name
-- Grain:   one row per star (star_id) with a parallax.
-- Reads:   sample.stars, stage.zero_point_relations, stage.zero_point_table, stage.zero_point_lindegren, luminosity.good_parallax, binarity.excess, meta.parameters
SELECT s.star_id, s.specid, s.g_gaia, s.parallax, s.parallax_offset AS used
    , p.zero_point_default AS constant, r.leung_bovy_2019, r.zinn_2019
    , t.parallax_offset AS "table", l.parallax_offset AS lindegren_2021
    , coalesce(g.is_train = 1, false)::INTEGER AS is_train, b.binary_flag
FROM sample.stars AS s
CROSS JOIN meta.parameters AS p
LEFT JOIN stage.zero_point_relations AS r USING (source_id)
LEFT JOIN stage.zero_point_table AS t USING (source_id)
LEFT JOIN stage.zero_point_lindegren AS l USING (source_id)
LEFT JOIN luminosity.good_parallax AS g ON s.specid = g.specid
LEFT JOIN binarity.excess AS b ON s.specid = b.specid
WHERE s.parallax IS NOT NULL
ORDER BY s.specid
;
