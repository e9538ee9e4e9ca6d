-- Title:   The mode lies between the percentiles, save where the PDF is wide or runs to the largest distance.
-- Level:   warn
-- Reads:   catalog.ob_stars
-- Paper:   METHOD section 7; with a flat prior the mode of a wide PDF lies below its 16th percentile
SELECT specid, dis, dis_low, dis_high, logdis_err
FROM catalog.ob_stars
WHERE logdis_err < 0.2 AND dis NOT BETWEEN dis_low AND dis_high
    AND NOT has_bit(quality, 'distance_edge')
;
