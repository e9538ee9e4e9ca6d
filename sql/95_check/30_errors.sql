-- Title:   A value has its error, and an error its value; an M from a spectrum whose S/N is unknown has none.
-- Level:   fail
-- Reads:   catalog.ob_stars
SELECT specid
FROM catalog.ob_stars
WHERE (mk IS NULL AND mk_err IS NOT NULL)
    OR (mk IS NOT NULL AND mk_err IS NULL AND snr_g IS NOT NULL)
    OR (mk_geo IS NULL) <> (mk_geo_err IS NULL)
    OR (ebv IS NULL) <> (ebv_err IS NULL)
    OR (a_ks IS NULL) <> (a_ks_err IS NULL)
    OR (parallax IS NULL) <> (parallax_error IS NULL)
    OR (parallax_spec IS NULL AND parallax_spec_err IS NOT NULL)
    OR (parallax_spec IS NOT NULL AND parallax_spec_err IS NULL AND snr_g IS NOT NULL)
    OR (j IS NULL) <> (j_err IS NULL)
    OR (h IS NULL) <> (h_err IS NULL)
    OR (ks IS NULL) <> (ks_err IS NULL)
    OR (halpha_excess IS NULL) <> (halpha_excess_err IS NULL)
;
