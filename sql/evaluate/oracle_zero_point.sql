-- Title:   True zero point of every parallax (truth_stars, truth_visits)
-- Grain:   one row per star (star_id).
-- Reads:   sample.stars, sample.visits, stage.zero_point
SELECT s.star_id, t.parallax_offset_true AS parallax_offset, s.parallax - t.parallax_offset_true AS parallax_corrected
    -- best mode takes off what was published
    , s.parallax - t.parallax_offset_true
    + coalesce(
        CASE WHEN z.zero_point_source = 'constant' THEN meta.zero_point_dr2(s.g_gaia) END, t.parallax_offset_true
    ) AS parallax
FROM sample.stars AS s
INNER JOIN sample.visits AS v ON s.star_id = v.star_id AND v.uniqflag = 1
INNER JOIN truth_visits AS w ON v.specid = w.specid
INNER JOIN truth_stars AS t ON w.name = t.name
LEFT JOIN stage.zero_point AS z ON s.source_id = z.source_id
;
