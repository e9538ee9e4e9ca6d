-- Title:   Best mode: kinds of emission with their strength, distance of peaks and light of the disc in Ks
-- Reads:   catalog.ob_stars_best
SELECT emission_kind, count(*) AS stars, count(*) FILTER (p_kind > 0.99) AS certain
    , median(halpha_ew) AS median_ew, median(peak_separation) AS median_peak_separation
    , count(peak_separation) AS with_two_peaks, median(excess_ks) AS median_excess_ks
FROM catalog.ob_stars_best
WHERE uniqflag = 1 AND em_flag = 1 AND emission_kind IS NOT NULL
GROUP BY emission_kind
ORDER BY stars DESC, emission_kind
;
