-- Title:   Excess at Halpha, its significance and chi square of every spectrum
-- Reads:   emission.lines
SELECT halpha_excess, halpha_significance, halpha_chi2, clean_chi2, em_flag, erroneous
FROM emission.lines
ORDER BY specid
;
