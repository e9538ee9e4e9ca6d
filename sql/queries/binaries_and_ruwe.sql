-- Title:   Binary flag against Gaia's own sign of a companion, RUWE above 1.4: stars in each of the four classes
-- Reads:   catalog.ob_stars
-- Paper:   Fig. 10
SELECT binary_flag, (ruwe > 1.4)::SMALLINT AS large_ruwe, count(*) AS stars
    , median(snr_dparallax) AS median_snr_dparallax, median(ruwe) AS median_ruwe
FROM catalog.ob_stars
WHERE uniqflag = 1 AND binary_flag IS NOT NULL AND ruwe IS NOT NULL
GROUP BY binary_flag, large_ruwe
ORDER BY binary_flag, large_ruwe
;
