-- Title:   Hertzsprung-Russell diagram: Teff against both absolute magnitudes, stars with trustworthy labels
-- Reads:   catalog.ob_stars
SELECT star_id, teff, teff_err, logg, mk, mk_err, mk_geo, mk_geo_err, em_flag, binary_flag, label_source
FROM catalog.ob_stars
WHERE uniqflag = 1 AND teff IS NOT NULL AND coalesce(mk, mk_geo) IS NOT NULL
    AND NOT has_bit(quality, 'erroneous') AND NOT has_bit(quality, 'labels_outside')
ORDER BY teff DESC, star_id
;
