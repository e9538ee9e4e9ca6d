-- Title:   The mean spectrum that a visit is compared with: that of its Teff and log g, of the half of the stars that it is not in.
-- Grain:   one row per spectrum (specid) of a star with labels.
-- Reads:   sample.visits, extinction.best_labels, lines.emission
-- Mode:    best
INSERT INTO visits.kinds BY NAME
SELECT
    v.specid
    , v.star_id
    , v.uniqflag
    , v.snr_g
    , 4 * CASE WHEN t.teff < 9500 THEN 0 WHEN t.teff < 10500 THEN 1 WHEN t.teff < 11500 THEN 2
        WHEN t.teff < 13000 THEN 3 WHEN t.teff < 16000 THEN 4 WHEN t.teff < 21000 THEN 5 ELSE 6 END
    + CASE WHEN t.logg < 3.3 THEN 0 WHEN t.logg < 3.8 THEN 1 WHEN t.logg < 4.2 THEN 2 ELSE 3 END AS template
    , floor(2 * meta.hash_fraction(v.star_id)) AS fold
    , coalesce(e.em_flag, 0) AS em_flag
FROM sample.visits AS v
INNER JOIN extinction.best_labels AS t ON v.star_id = t.star_id
LEFT JOIN lines.emission AS e ON v.specid = e.specid
ORDER BY v.specid
;
