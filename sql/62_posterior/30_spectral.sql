-- Title:   Absolute magnitude and odds of a companion from the spectrum alone, by the network of the star's fold.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   posterior.inputs, meta.parameters
-- UDFs:    spectral_magnitude
-- Mode:    best
INSERT INTO posterior.spectral BY NAME
WITH found AS MATERIALIZED (
    SELECT specid, unnest(spectral_magnitude(score, snr_g, fold, own_emission, ebv, teff))
    FROM posterior.inputs
)
SELECT f.*
FROM found AS f
CROSS JOIN meta.parameters AS p
-- a network far from all that it has seen goes on in a straight line, to what no star is
WHERE f.mk_spec BETWEEN p.posterior_mk_bright AND p.posterior_mk_faint
ORDER BY f.specid
;
