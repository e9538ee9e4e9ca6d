-- Title:   Magnitudes that make the colours: XSTPS-GAC or its stand-ins, APASS where they saturate or are missing; Gaia; J, H.
-- Grain:   one row per star (star_id).
-- Reads:   sample.stars, sample.gri, sample.photometry_matches, stage.apass, stage.gaia, meta.parameters
-- Paper:   section 4; Ks is never used
INSERT INTO extinction.photometry BY NAME
WITH first_offer AS (
    SELECT star_id, origin, g, g_err, r, r_err, i, i_err
    FROM sample.gri
    WHERE coalesce(g, r, i) IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY star_id ORDER BY preference, visit) = 1
)
, choice AS (
    SELECT s.star_id, a.row AS apass_row
        , x.star_id IS NULL OR coalesce(x.r, a.r, 99) < p.saturation_r AS use_apass
    FROM sample.stars AS s
    CROSS JOIN meta.parameters AS p
    LEFT JOIN first_offer AS x ON s.star_id = x.star_id
    LEFT JOIN sample.photometry_matches AS ma ON s.star_id = ma.star_id AND ma.catalog = 'apass' AND ma.chosen = 1
    LEFT JOIN stage.apass AS a ON ma.source = a.row
)
SELECT
    s.star_id
    , CASE WHEN NOT c.use_apass THEN x.origin WHEN c.apass_row IS NOT NULL THEN 'apass' END AS gri_source
    , CASE WHEN c.use_apass THEN a.b END AS b
    , CASE WHEN c.use_apass THEN a.b_err END AS b_err
    , CASE WHEN c.use_apass THEN a.v END AS v
    , CASE WHEN c.use_apass THEN a.v_err END AS v_err
    , CASE WHEN c.use_apass THEN a.g ELSE x.g END AS g
    , CASE WHEN c.use_apass THEN a.g_err ELSE x.g_err END AS g_err
    , CASE WHEN c.use_apass THEN a.r ELSE x.r END AS r
    , CASE WHEN c.use_apass THEN a.r_err ELSE x.r_err END AS r_err
    , CASE WHEN c.use_apass THEN a.i ELSE x.i END AS i
    , CASE WHEN c.use_apass THEN a.i_err ELSE x.i_err END AS i_err
    , g.bp
    , g.bp_err
    , g.rp
    , g.rp_err
    , s.j
    , s.j_err
    , s.h
    , s.h_err
FROM sample.stars AS s
INNER JOIN choice AS c USING (star_id)
LEFT JOIN first_offer AS x ON s.star_id = x.star_id
LEFT JOIN stage.apass AS a ON c.apass_row = a.row
LEFT JOIN stage.gaia AS g ON s.source_id = g.source_id
ORDER BY s.star_id
;
