-- Title:   What tells whether a star is one of the O and B stars that the method is for: spectrum, labels, header.
-- Grain:   one row per spectrum (specid) of the sample that has coefficients.
-- Reads:   sample.visits, stage.headers, spectra.scores, spectra.calcium, emission.lines, extinction.joined_labels, luminosity.magnitudes
-- Paper:   section 5.2; METHOD section 4
CREATE VIEW luminosity.domain_inputs AS
SELECT v.specid, v.star_id, v.uniqflag, c.score_clean, v.snr_g, e.erroneous, e.clean_chi2
    , k.calcium_ew, k.calcium_ew_err, l.teff, l.teff_err, l.logg, l.logg_err, m.beyond_training, h.is_other
FROM sample.visits AS v
INNER JOIN stage.headers AS h ON v.specid = h.specid
INNER JOIN spectra.scores AS c ON v.specid = c.specid
LEFT JOIN spectra.calcium AS k ON v.specid = k.specid
LEFT JOIN emission.lines AS e ON v.specid = e.specid
LEFT JOIN extinction.joined_labels AS l ON v.star_id = l.star_id
LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
WHERE c.score_clean IS NOT NULL
;
