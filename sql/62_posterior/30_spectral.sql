-- Title:   Absolute magnitude and odds of a companion from the spectrum alone, by the network of the star's fold.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   posterior.inputs
-- UDFs:    spectral_magnitude
-- Mode:    best
INSERT INTO posterior.spectral BY NAME
SELECT specid, unnest(spectral_magnitude(score, snr_g, fold))
FROM posterior.inputs
ORDER BY specid
;
