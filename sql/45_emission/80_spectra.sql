-- Title:   Old name of spectra.normalised; goes with the next release.
-- Grain:   one row per spectrum (specid).
-- Reads:   spectra.normalised
CREATE VIEW emission.spectra AS
SELECT specid, flux, ivar, masked_fraction
FROM spectra.normalised
;
