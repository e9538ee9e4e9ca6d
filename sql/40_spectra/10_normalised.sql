-- Title:   Spectra in the rest frame, divided by their pseudo-continuum; a plain scan, so rows stay in the order of specid.
-- Grain:   one row per spectrum (specid).
-- Reads:   raw.spectra
-- UDFs:    normalised
-- Paper:   METHOD section 1; Ho et al. (2017)
INSERT INTO spectra.normalised BY NAME
SELECT specid, unnest(normalised(flux, ivar, meta.redshift(z)))
FROM raw.spectra
;
