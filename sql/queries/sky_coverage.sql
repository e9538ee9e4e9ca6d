-- Title:   Stars and spectra by plan of observation, with the median S/N and the share of erroneous spectra
-- Reads:   catalog.ob_stars, raw.headers
SELECT h.planid, count(*) AS spectra, count(DISTINCT c.star_id) AS stars, median(c.snr_g) AS median_snr_g
    , avg(c.erroneous) AS erroneous_fraction, min(h.lmjd) AS first_lmjd, max(h.lmjd) AS last_lmjd
FROM catalog.ob_stars AS c
INNER JOIN raw.headers AS h USING (specid)
GROUP BY h.planid
ORDER BY h.planid
;
