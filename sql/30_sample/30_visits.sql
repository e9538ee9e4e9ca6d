-- Title:   Visits of each star by falling S/N; the star is named after the position of its best visit.
-- Grain:   one row per spectrum (specid).
-- Reads:   stage.headers, sample.groups
-- Paper:   section 3, footnote 2; METHOD section 1; ties in S/N go by specid
INSERT INTO sample.visits BY NAME
WITH ranked AS (
    SELECT
        specid
        , row_number() OVER best AS uniqflag
        , first_value(meta.star_id(ra, dec)) OVER best AS star_id
        , snr_g
    FROM stage.headers
    INNER JOIN sample.groups USING (specid)
    WINDOW best AS (PARTITION BY first_specid ORDER BY snr_g DESC NULLS LAST, specid)
)
SELECT specid, star_id, uniqflag, snr_g
FROM ranked
ORDER BY specid
;
