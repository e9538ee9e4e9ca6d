-- Title:   Spectra that went wrong: an arm moved, arms that do not meet, the wrong sky, no star like it.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   visits.levels, visits.velocities, sample.visits, emission.lines, extinction.best_labels, reddening.dust, meta.parameters
-- UDFs:    fault_significances
-- Mode:    best
INSERT INTO visits.faults BY NAME
WITH measured AS (
    SELECT v.specid, m.level, unnest(fault_significances(m.arm_step, m.sky_sum, d.ebv, t.teff, v.snr_g))
    FROM sample.visits AS v
    INNER JOIN visits.levels AS m USING (specid)
    LEFT JOIN extinction.best_labels AS t ON v.star_id = t.star_id
    LEFT JOIN reddening.dust AS d ON v.star_id = d.star_id
)
SELECT
    m.specid
    , x.arm_gain
    , m.step_z
    , m.sky_z
    , e.clean_chi2
    , nullif(concat_ws('; '
        , CASE WHEN x.arm_gain > p.fault_arm_gain THEN 'arm moved' END
        , CASE WHEN abs(m.step_z) > p.fault_step THEN 'arms apart' END
        , CASE WHEN abs(m.sky_z) > p.fault_sky OR m.level <= 0 THEN 'sky' END
        , CASE WHEN e.clean_chi2 > p.fault_chi2 THEN 'unlike any star' END
    ), '') AS fault
FROM measured AS m
CROSS JOIN meta.parameters AS p
LEFT JOIN visits.velocities AS x ON m.specid = x.specid
LEFT JOIN emission.lines AS e ON m.specid = e.specid
ORDER BY m.specid
;
