-- Title:   The quality bits say what the other columns say.
-- Level:   fail
-- Reads:   catalog.ob_stars, meta.quality_bits
WITH promised AS (
    SELECT specid, quality
        , mk IS NOT NULL AND ks IS NOT NULL AND a_ks IS NOT NULL AND coalesce(binary_flag, 0) = 0 AS spectrum
        , unnest([
        ('no_gaia', parallax_corrected IS NULL)
        , ('no_ks', ks IS NULL)
        , ('no_labels', teff IS NULL)
        , ('no_colours', teff IS NOT NULL AND ebv IS NULL)
        , ('no_mk', mk IS NULL)
        , ('no_em_flag', em_flag IS NULL)
        , ('parallax_negative', parallax_corrected IS NOT NULL
            AND meta.positive_parallax(parallax_corrected, parallax_error) IS NULL)
        , ('no_snr', snr_g IS NULL)
        , ('erroneous', coalesce(erroneous = 1, false))
        , ('no_rest_frame', rv IS NULL)
        , ('spectrum_only', parallax_corrected IS NULL AND spectrum)
        , ('parallax_only', parallax_corrected IS NOT NULL AND NOT spectrum)
        , ('parallax_poor', dis IS NULL AND parallax_corrected IS NOT NULL AND NOT spectrum)
        , ('labels_regressed', coalesce(label_source = 'regression', false))
    ]) AS promise
    FROM catalog.ob_stars
)
SELECT specid, quality, b.name
FROM promised AS p
INNER JOIN meta.quality_bits AS b ON p.promise[1] = b.name
WHERE (p.quality & b.bit > 0) <> p.promise[2]
UNION ALL
SELECT specid, quality, 'unknown bit'
FROM catalog.ob_stars
WHERE quality > (SELECT sum(bit) FROM meta.quality_bits)
;
