-- Title:   The spectrum at rest over its continuum, its coefficients, and the windows it is drawn with
-- Grain:   one row.
-- Reads:   spectra.normalised, meta.parameters, spectra.scores
SELECT s.flux, s.ivar, c.score_clean, p.pca_min_wavelength, p.pca_max_wavelength, p.halpha, p.halpha_halfwidth
FROM spectra.normalised AS s
CROSS JOIN meta.parameters AS p
LEFT JOIN spectra.scores AS c USING (specid)
WHERE specid = $specid
;
