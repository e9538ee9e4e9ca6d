-- Title:   Fraction of stars marked as binaries in bins of the precision of the parallax: where the flag can tell
-- Reads:   catalog.ob_stars
SELECT least(floor(parallax_corrected / parallax_error / 5) * 5, 50)::INTEGER AS parallax_snr_from
    , count(*) AS stars, sum(binary_flag) AS binaries
    , binaries / stars AS fraction, fraction_err(binaries, stars) AS fraction_err
FROM catalog.ob_stars
WHERE uniqflag = 1 AND binary_flag IS NOT NULL AND parallax_corrected > 0
GROUP BY parallax_snr_from
ORDER BY parallax_snr_from
;
