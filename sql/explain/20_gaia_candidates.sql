-- Title:   Gaia: every candidate, and the reason for or against it
-- Grain:   one row per candidate.
-- Reads:   sample.gaia_matches, stage.gaia
SELECT m.source_id, m.separation, m.chosen, m.reason, m.colour, m.colour_limit
    , g.g_gaia, g.parallax, g.parallax_error, g.ruwe
FROM sample.gaia_matches AS m
LEFT JOIN stage.gaia AS g USING (source_id)
WHERE m.star_id = $star_id
ORDER BY m.rank
;
