-- Title:   Old name of spectra.scores; goes with the next release.
-- Grain:   one row per spectrum (specid).
-- Reads:   spectra.scores
CREATE VIEW emission.scores AS
SELECT specid, score_clean, score_full
FROM spectra.scores
;
