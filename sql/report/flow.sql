-- Title:   What goes through the method, step by step
-- Reads:   raw.files, raw.headers, sample.visits, emission.lines, extinction.reddening, luminosity.good_parallax, luminosity.supplement, luminosity.magnitudes, binarity.excess, distance.distances, catalog.ob_stars
SELECT
    (SELECT count(*) FROM raw.files) AS files
    , (SELECT count(*) FROM raw.files WHERE status = 'quarantined') AS quarantined
    , (SELECT count(*) FROM raw.headers) AS spectra
    , (SELECT count(DISTINCT star_id) FROM sample.visits) AS stars
    , (SELECT count(*) FROM emission.lines WHERE em_flag = 1) AS emission
    , (SELECT count(*) FROM extinction.reddening WHERE ebv IS NOT NULL) AS reddened
    , (SELECT count(*) FROM luminosity.good_parallax WHERE is_train = 1) AS training
    , (SELECT count(*) FROM luminosity.supplement WHERE is_train = 1) AS supplement
    , (SELECT count(*) FROM luminosity.good_parallax WHERE is_train = 0) AS test
    , (SELECT count(*) FROM luminosity.magnitudes WHERE mk IS NOT NULL) AS magnitudes
    , (SELECT count(*) FROM binarity.excess WHERE binary_flag IS NOT NULL) AS classified
    , (SELECT count(*) FROM distance.distances WHERE dis IS NOT NULL) AS distances
    , (SELECT count(*) FROM catalog.ob_stars) AS "catalog"
;
