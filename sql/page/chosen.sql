-- Title:   Stars whose spectra travel with the page: those of a list, then each kind, by emission and binary flag, in turn
-- Reads:   catalog.ob_stars, spectra.normalised
SELECT c.specid
FROM catalog.ob_stars AS c
INNER JOIN spectra.normalised AS n ON c.specid = n.specid
WHERE c.uniqflag = 1 AND n.flux IS NOT NULL
ORDER BY
    c.star_id IN (
        SELECT v.star_id FROM catalog.ob_stars AS v
        WHERE list_contains($named, v.star_id) OR list_contains($named, v.specid)
    ) DESC
    , row_number() OVER (PARTITION BY c.em_flag, c.binary_flag ORDER BY c.snr_g DESC NULLS LAST, c.specid)
    , c.em_flag DESC NULLS LAST, c.binary_flag DESC NULLS LAST
LIMIT $number
;
