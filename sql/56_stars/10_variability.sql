-- Title:   Whether the velocity of a star changes, and whether RUWE is large for its G.
-- Grain:   one row per star (star_id).
-- Reads:   sample.visits, sample.stars, visits.velocities, visits.faults, meta.parameters
-- Mode:    best
INSERT INTO stars.variability BY NAME
WITH sound AS (
    SELECT v.star_id, v.specid, x.rv - min(x.rv) OVER (PARTITION BY v.star_id) AS rv, x.rv_err
    FROM sample.visits AS v
    INNER JOIN visits.velocities AS x USING (specid)
    INNER JOIN visits.faults AS f USING (specid)
    WHERE f.fault IS NULL
)
, amplitudes AS (
    SELECT 0.0::DOUBLE AS k
    UNION ALL
    SELECT 4 * 50 ** (i / 13) FROM range(14) AS r (i)
)
, weighted AS (
    SELECT s.star_id, s.specid, s.rv, a.k, 1 / (s.rv_err ** 2 + a.k ** 2) AS w
    FROM sound AS s
    CROSS JOIN amplitudes AS a
)
, likelihoods AS (
    SELECT star_id, k, count(*) AS n_visits, sum(w ORDER BY specid) AS total
        , 0.5 * (sum(ln(w) ORDER BY specid) - ln(total) - sum(w * rv ** 2 ORDER BY specid)
        + sum(w * rv ORDER BY specid) ** 2 / total) AS ln_l
        , max(CASE WHEN k > 0 THEN ln_l END) OVER (PARTITION BY star_id) AS top
    FROM weighted
    GROUP BY star_id, k
)
, evidence AS (
    SELECT star_id, max(n_visits) AS n_visits
        , max(top) - max(CASE WHEN k = 0 THEN ln_l END)
        + ln(sum(CASE WHEN k > 0 THEN exp(ln_l - top) ELSE 0 END ORDER BY k) / 14) AS ln_bf
    FROM likelihoods
    GROUP BY star_id
)
, binned AS (
    SELECT star_id, ln(ruwe) AS ln_ruwe
        , (row_number() OVER (ORDER BY g_gaia, star_id) - 1) * 15 // count(*) OVER () AS bin
    FROM sample.stars
    WHERE ruwe > 0 AND g_gaia IS NOT NULL
)
, usual AS (
    SELECT bin, quantile_cont(ln_ruwe, 0.5) AS middle
        , greatest(middle - quantile_cont(ln_ruwe, 0.16), (middle - quantile_cont(ln_ruwe, 0.05)) / 1.645) AS width
    FROM binned
    GROUP BY bin
)
SELECT
    s.star_id
    , coalesce(e.n_visits, 0) AS n_visits
    , CASE WHEN e.n_visits > 1 THEN least(e.ln_bf, p.rv_bayes_cap * (e.n_visits - 1)) END AS ln_bf_rv
    , (b.ln_ruwe - u.middle) / nullif(u.width, 0) AS ruwe_z
FROM sample.stars AS s
CROSS JOIN meta.parameters AS p
LEFT JOIN evidence AS e ON s.star_id = e.star_id
LEFT JOIN binned AS b ON s.star_id = b.star_id
LEFT JOIN usual AS u ON b.bin = u.bin
ORDER BY s.star_id
;
