-- Title:   Best mode: what went wrong with spectra, and with how many
-- Reads:   catalog.ob_stars_best
SELECT fault, count(*) AS spectra, median(snr_g) AS median_snr_g, min(specid) AS example
FROM catalog.ob_stars_best
WHERE fault IS NOT NULL
GROUP BY fault
ORDER BY spectra DESC, fault
;
