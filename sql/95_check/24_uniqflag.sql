-- Title:   Visits of a star count 1, 2, 3 … by falling S/N; each star has exactly one best visit.
-- Level:   fail
-- Reads:   catalog.ob_stars
WITH ranked AS (
    SELECT star_id, specid, uniqflag
        , row_number() OVER (PARTITION BY star_id ORDER BY snr_g DESC NULLS LAST, specid) AS place
    FROM catalog.ob_stars
)
SELECT star_id, specid, uniqflag, place
FROM ranked
WHERE uniqflag <> place
;
