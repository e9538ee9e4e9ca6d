-- Title:   Distances are positive, and the 16th percentile lies below the 84th.
-- Level:   fail
-- Reads:   catalog.ob_stars
SELECT specid, dis, dis_low, dis_high
FROM catalog.ob_stars
WHERE dis <= 0 OR dis_low <= 0 OR dis_low >= dis_high
;
