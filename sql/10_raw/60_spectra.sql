-- Title:   Spectra on the common grid; the order of rows is fixed here, once, whatever the order of the files.
-- Grain:   one row per spectrum (specid).
-- Reads:   input_spectra, raw.headers
-- Paper:   METHOD section 1
INSERT INTO raw.spectra BY NAME
SELECT s.specid, h.z, s.flux, s.ivar
FROM input_spectra AS s
INNER JOIN raw.headers AS h USING (specid, sha256)
ORDER BY s.specid
;
