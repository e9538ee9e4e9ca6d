-- Title:   No distance lies outside its own interval.
-- Level:   fail
-- Reads:   catalog.ob_stars
-- Paper:   METHOD section 7; a PDF whose mode lies outside its 16th to 84th percentile measures no distance
SELECT specid, dis, dis_low, dis_high, logdis_err
FROM catalog.ob_stars
WHERE dis NOT BETWEEN dis_low AND dis_high
;
