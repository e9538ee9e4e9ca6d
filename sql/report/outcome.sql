-- Title:   What a build gave: spectra, stars, and how many of them have what
-- Grain:   one row.
-- Reads:   catalog.ob_stars, raw.files
SELECT
    (SELECT count(*) FROM catalog.ob_stars) AS spectra
    , (SELECT count(*) FROM raw.files WHERE status = 'quarantined') AS quarantined
    , count(*) AS stars
    , count(mk) AS magnitude
    , count(dis) AS distance
    , count(ebv) AS reddening
    , count(*) FILTER (binary_flag = 1) AS binaries
    , count(binary_flag) AS classified
    , count(*) FILTER (em_flag = 1) AS emission
    , count(*) FILTER (has_bit(quality, 'out_of_domain') OR has_bit(quality, 'erroneous')) AS warned
FROM catalog.ob_stars
WHERE uniqflag = 1
;
