-- Title:   Emission at Halpha
-- Grain:   one row.
-- Reads:   emission.lines, meta.parameters
SELECT l.halpha_excess, l.halpha_excess_err, l.halpha_ew, l.halpha_significance, l.em_flag
    , l.halpha_chi2, l.clean_chi2, p.erroneous_chi2 AS chi2_allowed, l.erroneous
FROM emission.lines AS l
CROSS JOIN meta.parameters AS p
WHERE l.specid = $specid
;
