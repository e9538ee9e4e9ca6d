-- Title:   Parallax zero point of Gaia DR3 against G, colour and ecliptic latitude, and whether it was calibrated there.
-- Grain:   one row per source_id of DR3 with five or six astrometric parameters.
-- Reads:   raw.gaia_dr3, reference.parallax_zero_point
-- Paper:   Lindegren et al. (2021), Eqs. A.3 to A.5; calibrated for 6 < G < 21, 1.1 < nu_eff < 1.9, 1.24 < colour < 1.72
CREATE VIEW stage.zero_point_lindegren AS
WITH given AS (
    SELECT source_id, phot_g_mean_mag AS g
        , CASE astrometric_params_solved WHEN 31 THEN 5 WHEN 95 THEN 6 END AS solution
        , CASE astrometric_params_solved WHEN 31 THEN nu_eff_used_in_astrometry WHEN 95 THEN pseudocolour END AS colour
        , sin(radians(ecl_lat)) AS s
    FROM raw.gaia_dr3
)
, basis AS (
    SELECT *
        , [1.0, least(greatest(colour - 1.48, -0.24), 0.24), least(greatest(1.48 - colour, 0), 0.24) ** 3
            , least(colour - 1.24, 0), greatest(colour - 1.72, 0)] AS c
        , [1.0, s, s ** 2 - 1 / 3] AS b
    FROM given
    WHERE isfinite(g) AND isfinite(colour) AND isfinite(s) AND solution IS NOT NULL
)
, rows_of_g AS (
    SELECT solution, j, k, g AS g0, q AS q0
        , lead(g) OVER (PARTITION BY solution, j, k ORDER BY g) AS g1
        , lead(q) OVER (PARTITION BY solution, j, k ORDER BY g) AS q1
    FROM reference.parallax_zero_point
)
, range_of_g AS (
    SELECT solution, min(g) AS low, max(g) AS high FROM reference.parallax_zero_point GROUP BY solution
)
SELECT
    a.source_id
    , sum(
        (t.q0 + (t.q1 - t.q0) * (least(greatest(a.g, r.low), r.high) - t.g0) / (t.g1 - t.g0))
        * a.c[t.j + 1] * a.b[t.k + 1]
        ORDER BY t.j, t.k
    ) / 1000 AS parallax_offset
    , any_value(a.g > 6 AND a.g < 21 AND CASE a.solution
        WHEN 5 THEN a.colour > 1.1 AND a.colour < 1.9
        ELSE a.colour > 1.24 AND a.colour < 1.72
    END) AS in_range
FROM basis AS a
INNER JOIN range_of_g AS r USING (solution)
INNER JOIN rows_of_g AS t ON a.solution = t.solution
    AND least(greatest(a.g, r.low), r.high) >= t.g0
    AND (least(greatest(a.g, r.low), r.high) < t.g1 OR (t.g1 = r.high AND a.g >= r.high))
GROUP BY a.source_id
;
