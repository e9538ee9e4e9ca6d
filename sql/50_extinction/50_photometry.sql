-- Title:   Magnitudes that make the colours: XSTPS-GAC, or APASS where XSTPS-GAC saturates or is missing; Gaia; 2MASS J, H.
-- Grain:   one row per star (star_id).
-- Reads:   sample.stars, sample.photometry_matches, stage.xstps, stage.apass, stage.gaia, meta.parameters
-- Paper:   section 4; Ks is never used
INSERT INTO extinction.photometry BY NAME
WITH matched AS (
    SELECT star_id, catalog, source FROM sample.photometry_matches WHERE chosen = 1
)
, choice AS (
    SELECT s.star_id, x.row AS xstps_row, a.row AS apass_row
        , x.row IS NULL OR coalesce(x.r, a.r, 99) < p.saturation_r OR coalesce(x.g, x.r, x.i) IS NULL AS use_apass
    FROM sample.stars AS s
    CROSS JOIN meta.parameters AS p
    LEFT JOIN matched AS mx ON s.star_id = mx.star_id AND mx.catalog = 'xstps'
    LEFT JOIN stage.xstps AS x ON mx.source = x.row
    LEFT JOIN matched AS ma ON s.star_id = ma.star_id AND ma.catalog = 'apass'
    LEFT JOIN stage.apass AS a ON ma.source = a.row
)
SELECT
    s.star_id
    , CASE WHEN NOT c.use_apass THEN 'xstps' WHEN c.apass_row IS NOT NULL THEN 'apass' END AS gri_source
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
LEFT JOIN stage.xstps AS x ON c.xstps_row = x.row
LEFT JOIN stage.apass AS a ON c.apass_row = a.row
LEFT JOIN stage.gaia AS g ON s.source_id = g.source_id
ORDER BY s.star_id
;
