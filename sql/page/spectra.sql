-- Title:   The chosen spectra with the coefficients of their reconstruction
-- Reads:   spectra.normalised, spectra.scores
SELECT n.specid, n.flux, n.ivar, s.score_clean
FROM spectra.normalised AS n
LEFT JOIN spectra.scores AS s ON n.specid = s.specid
WHERE n.specid IN (SELECT unnest($specids))
;
