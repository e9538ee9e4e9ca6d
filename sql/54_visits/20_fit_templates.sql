-- Title:   Mean spectra of ordinary stars.
-- Grain:   one row per star: its best spectrum.
-- Reads:   visits.kinds, spectra.normalised, emission.lines, meta.parameters
-- Fit:     templates.templates
-- Spectra: spectra.normalised
-- Parameters: template_min_stars
-- Mode:    best
SELECT k.specid, k.template, k.fold
FROM visits.kinds AS k
INNER JOIN emission.lines AS e USING (specid)
CROSS JOIN meta.parameters AS p
WHERE k.uniqflag = 1 AND k.em_flag = 0 AND e.erroneous = 0 AND k.snr_g >= p.template_min_snr
QUALIFY row_number() OVER (PARTITION BY k.template, k.fold ORDER BY meta.hash_fraction(k.star_id), k.specid)
    <= p.template_max_stars
ORDER BY k.specid
;
