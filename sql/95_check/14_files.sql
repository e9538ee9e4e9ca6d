-- Title:   Every file is accounted for: ingested, a duplicate of one that is, or in quarantine with its reason.
-- Level:   fail
-- Reads:   raw.files, raw.headers
SELECT f.path, f.status, f.reason
FROM raw.files AS f
LEFT JOIN raw.headers AS h USING (sha256)
WHERE f.status NOT IN ('ingested', 'duplicate', 'quarantined')
    OR (f.status = 'quarantined') <> (coalesce(f.reason, '') <> '')
    OR (f.status = 'quarantined') = (h.specid IS NOT NULL)
    OR (f.status <> 'quarantined' AND f.specid IS DISTINCT FROM h.specid)
UNION ALL
SELECT h.fitsname, 'spectrum of ' || count(f.path) || ' ingested files', NULL
FROM raw.headers AS h
LEFT JOIN raw.files AS f ON h.sha256 = f.sha256 AND f.status = 'ingested'
GROUP BY h.specid, h.fitsname
HAVING count(f.path) <> 1
;
