-- Title:   Which stars are none of the O and B stars that the method is for, and why: labels, misfit, distance from the training, header.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   luminosity.domain_inputs
-- UDFs:    domain
-- Paper:   section 5.2; METHOD section 4
INSERT INTO luminosity.domain BY NAME
SELECT specid
    , unnest(domain(
        score_clean, snr_g, clean_chi2, calcium_ew, calcium_ew_err
        , teff, teff_err, logg, logg_err, beyond_training, is_other
    ))
FROM luminosity.domain_inputs
ORDER BY specid
;
