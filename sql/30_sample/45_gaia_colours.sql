-- Title:   G - Ks - 2.5 E(B-V) of every Gaia candidate, and the limit beyond which it is another star, from the sample itself.
-- Grain:   one row per (star_id, source_id).
-- Reads:   sample.pairs, stage.gaia, stage.twomass, stage.gri, stage.apass, raw.colour_limits, reference.extinction_coefficients, meta.parameters
-- Paper:   METHOD section 3; E(B-V) of r - Ks, or of J - Ks, up to a constant: Gaia's own BP and RP would be those of the other star
INSERT INTO sample.gaia_colours BY NAME
WITH own AS (
    SELECT
        p.star_id
        , arg_min(t.ks, p.separation) AS ks
        , arg_min(t.j, p.separation) AS j
        , arg_min(x.r, p.separation) AS r_faint
        , arg_min(a.r, p.separation) AS r_bright
    FROM sample.pairs AS p
    LEFT JOIN stage.twomass AS t ON p.catalog = 'twomass' AND p.source = t.row
    LEFT JOIN stage.gri AS x ON p.catalog = x.origin AND p.source = x.source
    LEFT JOIN stage.apass AS a ON p.catalog = 'apass' AND p.source = a.row
    GROUP BY p.star_id
)
, reddened AS (
    SELECT
        o.star_id
        , o.ks
        , coalesce(CASE WHEN o.r_faint >= p.saturation_r THEN o.r_faint END, o.r_bright) AS red
        , CASE WHEN red IS NOT NULL THEN 'r' ELSE 'j' END AS band
        , CASE WHEN red IS NOT NULL THEN (red - o.ks) / (c.r - c.ks) ELSE (o.j - o.ks) / (c.j - c.ks) END AS redness
    FROM own AS o
    CROSS JOIN meta.parameters AS p
    INNER JOIN reference.extinction_coefficients AS c ON p.colour_teff = c.teff
)
, measured AS (
    SELECT c.star_id, c.source AS source_id, c.separation, r.band
        , g.g_gaia - r.ks - p.identity_reddening * r.redness AS colour
        , row_number() OVER (PARTITION BY c.star_id ORDER BY c.separation, c.source) AS nearest
    FROM sample.pairs AS c
    CROSS JOIN meta.parameters AS p
    INNER JOIN reddened AS r USING (star_id)
    INNER JOIN stage.gaia AS g ON c.source = g.source_id
    WHERE c.catalog = 'gaia'
)
, limits AS (
    SELECT m.band, median(m.colour) + p.identity_nsigma * 1.4826 * mad(m.colour) AS colour_limit
    FROM measured AS m
    CROSS JOIN meta.parameters AS p
    WHERE m.nearest = 1 AND m.separation <= p.identity_radius AND m.colour IS NOT NULL
    GROUP BY m.band, p.identity_nsigma, p.identity_min_stars
    HAVING count(*) >= p.identity_min_stars
)
SELECT m.star_id, m.source_id, m.colour, coalesce(w.colour_limit, l.colour_limit) AS colour_limit
FROM measured AS m
LEFT JOIN limits AS l USING (band)
LEFT JOIN raw.colour_limits AS w ON m.star_id = w.star_id
WHERE m.colour IS NOT NULL
ORDER BY m.star_id, m.source_id
;
