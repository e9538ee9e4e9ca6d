-- Title:   The numbers the paper publishes, from this catalog
-- Reads:   catalog.ob_stars, luminosity.good_parallax, luminosity.supplement, model.noise_summary
WITH best AS (
    SELECT *, (dis_high - dis_low) / 2 / dis AS dis_error
    FROM catalog.ob_stars
    WHERE uniqflag = 1
), trained AS (
    SELECT em_flag FROM luminosity.good_parallax WHERE is_train = 1
    UNION ALL
    SELECT em_flag FROM luminosity.supplement WHERE is_train = 1
), spread AS (
    SELECT mad(b.mk - b.mk_geo) * 1.4826 AS scatter
    FROM best AS b
    INNER JOIN luminosity.good_parallax AS g USING (specid)
    WHERE g.is_train = 0 AND b.em_flag = 0 AND b.snr_g > 50
)
SELECT
    count(*) AS stars
    , count(*) FILTER (em_flag = 1) AS emission
    , count(*) FILTER (binary_flag = 1) AS "binary"
    , count(*) FILTER (binary_flag = 0) AS single
    , count(*) FILTER (binary_flag IS NULL) AS unknown
    , (SELECT count(*) FROM trained WHERE em_flag = 0) AS training
    , (SELECT count(*) FROM trained) AS training_emission
    , (SELECT scatter FROM spread) AS scatter
    , (SELECT mean FROM model.noise_summary WHERE em_flag = 0 AND parameter = 'sigma_int') AS sigma_int
    , (SELECT mean FROM model.noise_summary WHERE em_flag = 0 AND parameter = 'sigma_100') AS sigma_100
    , median(dis_error) AS dis_error
    , median(dis_error) FILTER (dis BETWEEN 13 AND 17 AND binary_flag = 0) AS dis_error_15
FROM best
;
