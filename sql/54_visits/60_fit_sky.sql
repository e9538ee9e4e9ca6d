-- Title:   Faint spectra, whose noise shows the lines of the sky.
-- Grain:   one row per spectrum: the faintest 15 per cent, 2,000 at most.
-- Reads:   raw.spectra, sample.visits
-- Fit:     templates.sky
-- Spectra: raw.spectra
-- Mode:    best
SELECT specid
FROM sample.visits
WHERE snr_g > 0
QUALIFY row_number() OVER (ORDER BY snr_g, specid) <= least(2000, 0.15 * count(*) OVER ())
ORDER BY specid
;
