-- Title:   The binary flag is unknown exactly where a term of the excess is, and else says what the excess says.
-- Level:   fail
-- Reads:   catalog.ob_stars, meta.parameters
-- Paper:   section 6, Eq. 16
SELECT specid, binary_flag, snr_dparallax
FROM catalog.ob_stars
CROSS JOIN meta.parameters AS p
WHERE (binary_flag IS NULL) <> (parallax_corrected IS NULL OR ks IS NULL OR mk_err IS NULL OR a_ks IS NULL)
    OR (binary_flag = 1) IS DISTINCT FROM (snr_dparallax > p.binary_nsigma)
;
