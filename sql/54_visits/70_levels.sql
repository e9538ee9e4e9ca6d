-- Title:   Step between the arms, level of the star in the red, and what the sky left.
-- Grain:   one row per spectrum (specid).
-- Reads:   raw.spectra
-- UDFs:    raw_levels
-- Mode:    best
INSERT INTO visits.levels BY NAME
SELECT specid, unnest(raw_levels(flux, ivar))
FROM raw.spectra
;
