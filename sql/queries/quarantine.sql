-- Title:   What could not be read, by reason, with an example of each
-- Reads:   raw.files
SELECT reason, count(*) AS files, min(path) AS example, arg_min(detail, path) AS found
FROM raw.files
WHERE status = 'quarantined'
GROUP BY reason
ORDER BY files DESC, reason
;
