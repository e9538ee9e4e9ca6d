-- Title:   The spectrum of each star's best visit, in no order
-- Grain:   one row per star (star_id) that has a spectrum.
-- Reads:   catalog.ob_stars, spectra.normalised
SELECT specid, n.flux, n.ivar
FROM catalog.ob_stars AS c
INNER JOIN spectra.normalised AS n USING (specid)
WHERE c.uniqflag = 1 AND n.flux IS NOT NULL
;
