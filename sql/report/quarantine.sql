-- Title:   Files of spectra by what became of them
-- Reads:   raw.files
SELECT status, coalesce(reason, '') AS reason, count(*) AS files
FROM raw.files
GROUP BY ALL
ORDER BY ALL
;
