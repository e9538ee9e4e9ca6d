-- Title:   Velocity of each visit with an error that holds, and of each arm.
-- Grain:   one row per spectrum (specid) of a star with labels.
-- Reads:   visits.shifts, stage.headers, meta.parameters
-- UDFs:    velocity_error
-- Mode:    best
INSERT INTO visits.velocities BY NAME
SELECT
    s.specid
    , h.rv + s.shift * meta.pixel_velocity() AS rv
    , unnest(velocity_error(s.shift_err))
    , h.rv + s.shift_blue * meta.pixel_velocity() AS rv_blue
    , h.rv + s.shift_red * meta.pixel_velocity() AS rv_red
    , CASE WHEN abs(s.arm_blue - s.arm_red) > p.arms_apart THEN greatest(
        CASE WHEN abs(s.arm_blue) > p.arms_apart THEN s.arm_gain_blue ELSE 0 END
        , CASE WHEN abs(s.arm_red) > p.arms_apart THEN s.arm_gain_red ELSE 0 END
    ) ELSE 0 END AS arm_gain
FROM visits.shifts AS s
INNER JOIN stage.headers AS h USING (specid)
CROSS JOIN meta.parameters AS p
WHERE s.shift IS NOT NULL AND s.shift_err < p.velocity_max_error  -- a search over 7 pixels measures nothing else
ORDER BY s.specid
;
