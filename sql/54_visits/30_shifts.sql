-- Title:   Shifts of every spectrum, and of its arms, against the mean spectrum of stars like it.
-- Grain:   one row per spectrum (specid) of a star with labels.
-- Reads:   spectra.normalised, visits.kinds
-- UDFs:    spectrum_shifts
-- Mode:    best
INSERT INTO visits.shifts BY NAME
SELECT specid, unnest(spectrum_shifts(s.flux, s.ivar, k.template, k.fold, k.em_flag))
FROM spectra.normalised AS s
INNER JOIN visits.kinds AS k USING (specid)
WHERE s.flux IS NOT NULL
;
