-- Title:   Who taught the network: stars of the training and the test sample by emission class
-- Reads:   luminosity.good_parallax
-- Paper:   section 5.2
SELECT em_flag, is_train, count(*) AS stars, min(snr_g) AS least_snr_g, median(snr_g) AS median_snr_g
FROM luminosity.good_parallax
GROUP BY em_flag, is_train
ORDER BY em_flag, is_train
;
