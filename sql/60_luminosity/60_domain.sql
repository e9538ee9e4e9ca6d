-- Title:   Which stars are none of the O and B stars that the method is for, and why: labels, misfit, distance from the training, header.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, stage.headers, spectra.scores, spectra.calcium, emission.lines, extinction.joined_labels, luminosity.magnitudes
-- UDFs:    domain
-- Paper:   section 5.2; METHOD section 4
INSERT INTO luminosity.domain BY NAME
SELECT v.specid
    , unnest(domain(
        c.score_clean, v.snr_g, e.clean_chi2, k.calcium_ew, k.calcium_ew_err
        , l.teff, l.teff_err, l.logg, l.logg_err, m.beyond_training, h.is_other
    ))
FROM sample.visits AS v
INNER JOIN stage.headers AS h ON v.specid = h.specid
INNER JOIN spectra.scores AS c ON v.specid = c.specid
LEFT JOIN spectra.calcium AS k ON v.specid = k.specid
LEFT JOIN emission.lines AS e ON v.specid = e.specid
LEFT JOIN extinction.joined_labels AS l ON v.star_id = l.star_id
LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
WHERE c.score_clean IS NOT NULL
ORDER BY v.specid
;
