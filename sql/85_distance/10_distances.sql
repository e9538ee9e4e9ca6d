-- Title:   Distance from spectrum and parallax together; of binaries from the parallax alone.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, sample.stars, luminosity.magnitudes, uncertainty.errors, extinction.reddening, binarity.excess
-- UDFs:    distance
-- Paper:   section 7, Eq. 18-24
INSERT INTO distance.distances BY NAME
SELECT
    v.specid
    , unnest(distance(
        CASE WHEN coalesce(b.binary_flag, 0) = 0 THEN m.mk END
        , u.mk_err, s.ks, s.ks_err, e.a_ks, e.a_ks_err, s.parallax_corrected, s.parallax_error
    ))
FROM sample.visits AS v
INNER JOIN sample.stars AS s ON v.star_id = s.star_id
LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
LEFT JOIN uncertainty.errors AS u ON v.specid = u.specid
LEFT JOIN extinction.reddening AS e ON v.star_id = e.star_id
LEFT JOIN binarity.excess AS b ON v.specid = b.specid
;
