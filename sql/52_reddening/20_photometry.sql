-- Title:   Every magnitude of a star: APASS and XSTPS-GAC (or its stand-ins) side by side, Gaia, 2MASS.
-- Grain:   one row per star (star_id).
-- Reads:   sample.stars, sample.gri, sample.photometry_matches, stage.apass, stage.gaia, meta.parameters
-- Mode:    best
INSERT INTO reddening.photometry BY NAME
WITH deep AS (
    SELECT o.star_id, o.g, o.g_err, o.r, o.r_err, o.i, o.i_err
    FROM sample.gri AS o
    CROSS JOIN meta.parameters AS p
    WHERE o.r >= p.saturation_r
    QUALIFY row_number() OVER (PARTITION BY o.star_id ORDER BY o.preference, o.visit) = 1
)
SELECT
    s.star_id
    , a.b
    , a.b_err
    , a.g AS g_apass
    , a.g_err AS g_apass_err
    , x.g
    , x.g_err
    , g.bp
    , g.bp_err
    , a.v
    , a.v_err
    , a.r AS r_apass
    , a.r_err AS r_apass_err
    , x.r
    , x.r_err
    , a.i AS i_apass
    , a.i_err AS i_apass_err
    , x.i
    , x.i_err
    , g.rp
    , g.rp_err
    , s.j
    , s.j_err
    , s.h
    , s.h_err
    , s.ks
    , s.ks_err
FROM sample.stars AS s
LEFT JOIN deep AS x ON s.star_id = x.star_id
LEFT JOIN sample.photometry_matches AS m ON s.star_id = m.star_id AND m.catalog = 'apass' AND m.chosen = 1
LEFT JOIN stage.apass AS a ON m.source = a.row
LEFT JOIN stage.gaia AS g ON s.source_id = g.source_id
ORDER BY s.star_id
;
