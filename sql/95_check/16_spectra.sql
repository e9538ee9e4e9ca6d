-- Title:   Every header has its spectrum.
-- Level:   fail
-- Reads:   raw.headers, raw.spectra
SELECT h.specid AS header, s.specid AS spectrum
FROM raw.headers AS h
FULL JOIN raw.spectra AS s ON h.specid = s.specid
WHERE h.specid IS NULL OR s.specid IS NULL
;
