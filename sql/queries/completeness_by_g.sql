-- Title:   Of the stars of each Gaia G magnitude, the fraction with M_Ks, with E(B-V), with a distance and a binary flag
-- Reads:   catalog.ob_stars, sample.stars
SELECT floor(s.g_gaia)::INTEGER AS g_from, count(*) AS stars
    , count(c.mk) / count(*) AS with_mk
    , count(c.ebv) / count(*) AS with_ebv
    , count(c.dis) / count(*) AS with_distance
    , count(c.binary_flag) / count(*) AS with_binary_flag
FROM catalog.ob_stars AS c
INNER JOIN sample.stars AS s USING (specid)
GROUP BY g_from
ORDER BY g_from NULLS LAST
;
