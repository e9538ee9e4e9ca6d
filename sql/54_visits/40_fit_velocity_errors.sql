-- Title:   Differences of the velocities of two visits to a star, which tell their errors.
-- Grain:   one row per pair: each visit with the one before it in S/N.
-- Reads:   visits.shifts, visits.kinds, stage.headers, meta.parameters
-- Fit:     templates.velocity_errors
-- Parameters: velocity_floor
-- Mode:    best
WITH measured AS (
    SELECT k.star_id, k.uniqflag, h.rv + s.shift * meta.pixel_velocity() AS rv
        , s.shift_err * meta.pixel_velocity() AS rv_err
    FROM visits.shifts AS s
    INNER JOIN visits.kinds AS k USING (specid)
    INNER JOIN stage.headers AS h USING (specid)
    CROSS JOIN meta.parameters AS p
    WHERE s.shift IS NOT NULL AND h.rv IS NOT NULL AND k.snr_g >= p.velocity_min_snr
)
SELECT a.star_id, a.rv - b.rv AS difference, a.rv_err ** 2 + b.rv_err ** 2 AS square
FROM measured AS a
INNER JOIN measured AS b ON a.star_id = b.star_id AND a.uniqflag = b.uniqflag + 1
ORDER BY a.star_id, a.uniqflag
;
