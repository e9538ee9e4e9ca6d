-- Title:   The chosen spectra with the coefficients of their reconstruction
-- Reads:   emission.spectra, emission.scores
SELECT n.specid, n.flux, n.ivar, s.score_clean
FROM emission.spectra AS n
LEFT JOIN emission.scores AS s ON n.specid = s.specid
WHERE n.specid IN (SELECT unnest($specids))
;
