-- Title:   Who taught the network: training and test stars by emission class, of the sample and from outside it
-- Reads:   luminosity.good_parallax, luminosity.supplement
-- Paper:   sections 5.1 and 5.2
SELECT outside, em_flag, is_train, count(*) AS stars, min(snr_g) AS least_snr_g, median(snr_g) AS median_snr_g
FROM (
    SELECT 0 AS outside, em_flag, is_train, snr_g FROM luminosity.good_parallax
    UNION ALL
    SELECT 1, em_flag, is_train, snr_g FROM luminosity.supplement
)
GROUP BY outside, em_flag, is_train
ORDER BY outside, em_flag, is_train
;
