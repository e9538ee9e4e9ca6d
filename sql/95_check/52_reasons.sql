-- Title:   Every missing magnitude, reddening, distance and flag has a bit that says why.
-- Level:   fail
-- Reads:   catalog.ob_stars, meta.quality_bits
WITH reasons (name, of_what) AS (VALUES
    ('no_rest_frame', ['em_flag', 'mk', 'binary_flag'])
    , ('masked', ['em_flag', 'mk', 'binary_flag'])
    , ('no_em_flag', ['em_flag', 'mk', 'binary_flag'])
    , ('no_models', ['em_flag', 'mk', 'binary_flag'])
    , ('no_snr', ['binary_flag'])
    , ('no_labels', ['ebv', 'mk_geo', 'binary_flag'])
    , ('no_colours', ['ebv', 'mk_geo', 'binary_flag'])
    , ('no_ks', ['mk_geo', 'binary_flag'])
    , ('no_gaia', ['mk_geo', 'binary_flag'])
    , ('parallax_negative', ['mk_geo'])
    , ('distance_edge', ['dis'])
    , ('parallax_poor', ['dis'])
    , ('distance_wide', ['dis'])
    , ('no_gaia', ['dis'])
)
, missing AS (
    SELECT specid, quality, unnest([
        ('mk', mk IS NULL), ('mk_geo', mk_geo IS NULL), ('dis', dis IS NULL), ('ebv', ebv IS NULL)
        , ('binary_flag', binary_flag IS NULL), ('em_flag', em_flag IS NULL)
    ]) AS value
    FROM catalog.ob_stars
)
, said AS (
    SELECT missing, sum(bit)::BIGINT AS bits
    FROM (SELECT unnest(r.of_what) AS missing, b.bit FROM reasons AS r INNER JOIN meta.quality_bits AS b USING (name))
    GROUP BY missing
)
SELECT m.specid, m.quality, s.missing
FROM missing AS m
INNER JOIN said AS s ON m.value[1] = s.missing
WHERE m.value[2] AND m.quality & s.bits = 0
;
