-- Title:   Stars of a list of Gaia DR2 identifiers, whole numbers or names
-- Reads:   catalog.ob_stars
SELECT gaia_id, star_id, uniqflag, mk, mk_err, dis, dis_low, dis_high, ebv, binary_flag, em_flag
FROM catalog.ob_stars
WHERE gaia_id IN (3425577610762832384) OR gaia_name IN ('Gaia DR2 3425577610762832384')
ORDER BY gaia_id, uniqflag
;
