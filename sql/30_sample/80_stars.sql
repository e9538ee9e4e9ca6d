-- Title:   Stars with what the catalogs know of them; one star never gains rows.
-- Grain:   one row per star (star_id).
-- Reads:   sample.visits, sample.gaia_matches, sample.photometry_matches, stage.headers, stage.gaia, stage.twomass
-- Paper:   METHOD section 3
INSERT INTO sample.stars BY NAME
SELECT
    v.star_id
    , v.specid
    , h.ra
    , h.dec
    , g.source_id
    , g.parallax
    , g.parallax_error
    , g.parallax_offset
    , g.parallax - g.parallax_offset AS parallax_corrected
    , CASE WHEN g.parallax IS NOT NULL THEN g.zero_point END AS zero_point
    , g.pmra
    , g.pmra_error
    , g.pmdec
    , g.pmdec_error
    , g.ruwe
    , g.g_gaia
    , t.j
    , t.j_err
    , t.h
    , t.h_err
    , t.ks
    , t.ks_err
FROM sample.visits AS v
INNER JOIN stage.headers AS h USING (specid)
LEFT JOIN sample.gaia_matches AS m ON v.star_id = m.star_id AND m.chosen = 1
LEFT JOIN stage.gaia AS g ON m.source_id = g.source_id
LEFT JOIN sample.photometry_matches AS two ON v.star_id = two.star_id AND two.catalog = 'twomass' AND two.chosen = 1
LEFT JOIN stage.twomass AS t ON two.source = t.row
WHERE v.uniqflag = 1
ORDER BY v.star_id
;
