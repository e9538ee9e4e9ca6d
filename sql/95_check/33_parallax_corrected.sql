-- Title:   The corrected parallax is the published one with its offset taken off.
-- Level:   fail
-- Reads:   catalog.ob_stars
-- Paper:   METHOD section 4
SELECT specid, parallax, parallax_offset, parallax_corrected
FROM catalog.ob_stars
WHERE parallax_corrected IS DISTINCT FROM parallax - parallax_offset
;
