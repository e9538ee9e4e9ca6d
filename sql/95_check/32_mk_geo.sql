-- Title:   The absolute magnitude from the parallax is there exactly where parallax, Ks and extinction allow it.
-- Level:   fail
-- Reads:   catalog.ob_stars
-- Paper:   section 5; METHOD section 4
SELECT specid, mk_geo, parallax_corrected, ks, a_ks
FROM catalog.ob_stars
WHERE (mk_geo IS NULL)
    <> (meta.positive_parallax(parallax_corrected, parallax_error) IS NULL OR ks IS NULL OR a_ks IS NULL)
;
