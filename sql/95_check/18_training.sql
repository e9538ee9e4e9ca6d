-- Title:   Stars that train from outside the sample are no stars of it, and every file of their spectra is accounted for.
-- Level:   fail
-- Reads:   training.stars, raw.training_headers, raw.training_spectra, raw.training_files, sample.visits, catalog.ob_stars
SELECT t.star_id, t.specid, 'is in the catalog' AS fault
FROM training.stars AS t
SEMI JOIN (
    SELECT star_id FROM sample.visits
    UNION ALL
    SELECT star_id FROM catalog.ob_stars
) AS c ON t.star_id = c.star_id
UNION ALL
SELECT NULL, coalesce(h.specid, s.specid), 'has a header or a spectrum alone'
FROM raw.training_headers AS h
FULL JOIN raw.training_spectra AS s ON h.specid = s.specid
WHERE h.specid IS NULL OR s.specid IS NULL
UNION ALL
SELECT NULL, path, 'file of no spectrum, or in quarantine without a reason'
FROM raw.training_files AS f
LEFT JOIN raw.training_headers AS h ON f.specid = h.specid
WHERE CASE WHEN f.status = 'quarantined' THEN coalesce(f.reason, '') = '' ELSE h.specid IS NULL END
;
