-- Title:   Every missing distance has a bit that says why: nothing to take it from, or a PDF that measures none.
-- Level:   fail
-- Reads:   catalog.ob_stars, meta.quality_bits
WITH reasons AS (
    SELECT sum(bit) FILTER (name IN ('distance_edge', 'parallax_poor', 'distance_wide')) AS pdf
        , sum(bit) FILTER (name = 'no_gaia') AS no_gaia
        , sum(bit) FILTER (name IN ('no_ks', 'no_labels', 'no_colours', 'no_mk')) AS no_spectrum
    FROM meta.quality_bits
)
SELECT specid, dis, quality
FROM catalog.ob_stars
CROSS JOIN reasons AS r
WHERE dis IS NULL AND NOT (quality & r.pdf > 0 OR (quality & r.no_gaia > 0 AND quality & r.no_spectrum > 0))
;
