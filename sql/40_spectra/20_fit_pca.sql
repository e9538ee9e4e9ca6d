-- Title:   Eigenspectra from the clean windows and from the full range, refitted once without emission stars.
-- Grain:   one row per star that trains: its best spectrum.
-- Reads:   spectra.normalised, sample.visits, meta.parameters
-- Fit:     pca.pca
-- Spectra: spectra.normalised
-- Parameters: pca_components, pca_min_wavelength, pca_max_wavelength, full_gap_min, full_gap_max, pca_outlier, pca_sweeps, pca_max_error, halpha, halpha_halfwidth, halpha_chi2_halfwidth, em_false_alarm
-- Paper:   section 3, Eq. 1-2
SELECT s.specid, v.star_id
FROM spectra.normalised AS s
INNER JOIN (
    SELECT specid, star_id
    FROM sample.visits
    CROSS JOIN meta.parameters AS p
    WHERE uniqflag = 1 AND snr_g >= p.pca_min_snr_g
    QUALIFY row_number() OVER (ORDER BY meta.hash_fraction(star_id), star_id) <= p.fit_max_stars
) AS v USING (specid)
CROSS JOIN meta.parameters AS p
WHERE s.masked_fraction <= p.pca_max_masked
ORDER BY s.specid
;
