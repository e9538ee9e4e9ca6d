-- Title:   Distance of a group of stars on the sky (here h and chi Persei): weighted mean parallax and modulus
SELECT count(*) AS stars
    , weighted_mean(parallax_corrected, parallax_error) AS mean_parallax
    , weighted_mean_err(parallax_corrected, parallax_error) AS mean_parallax_err
    , 1 / nullif(mean_parallax, 0) AS distance_kpc
    , weighted_mean(5 * logdis + 10, 5 * logdis_err) AS mean_modulus
    , weighted_mean_err(5 * logdis + 10, 5 * logdis_err) AS mean_modulus_err
FROM cone(34.75, 57.13, 1.0)
WHERE uniqflag = 1 AND binary_flag = 0 AND parallax IS NOT NULL AND logdis_err > 0
;
