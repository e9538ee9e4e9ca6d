-- Title:   All visits of the star: what belongs to the star is the same in all, what belongs to the spectrum is not
-- Grain:   one row per visit.
-- Reads:   catalog.ob_stars
SELECT specid, uniqflag, snr_g, rv, mk, mk_err, em_flag, binary_flag, dis, quality
FROM catalog.ob_stars
WHERE star_id = $star_id
ORDER BY uniqflag
;
