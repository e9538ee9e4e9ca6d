-- Title:   Equivalent width of Ca II K, which tells A and later stars from B by the eye of the MK system.
-- Grain:   one row per spectrum (specid).
-- Reads:   spectra.normalised
-- UDFs:    calcium
INSERT INTO spectra.calcium BY NAME
SELECT specid, unnest(calcium(flux, ivar))
FROM spectra.normalised
;
