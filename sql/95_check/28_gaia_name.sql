-- Title:   The Gaia identifier as text is the identifier.
-- Level:   fail
-- Reads:   catalog.ob_stars
SELECT specid, gaia_id, gaia_name
FROM catalog.ob_stars
WHERE gaia_id <= 0
    OR (gaia_name IS DISTINCT FROM 'Gaia DR2 ' || gaia_id AND gaia_name IS DISTINCT FROM 'Gaia DR3 ' || gaia_id)
;
