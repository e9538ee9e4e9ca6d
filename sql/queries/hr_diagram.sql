-- Title:   Hertzsprung-Russell diagram: Teff against both absolute magnitudes, stars with trustworthy labels
-- Reads:   catalog.ob_stars, meta.quality_bits
SELECT star_id, teff, teff_err, logg, mk, mk_err, mk_geo, mk_geo_err, em_flag, binary_flag, label_source
FROM catalog.ob_stars
WHERE uniqflag = 1 AND teff IS NOT NULL AND coalesce(mk, mk_geo) IS NOT NULL
    AND quality & (SELECT sum(bit)::INTEGER FROM meta.quality_bits WHERE name IN ('erroneous', 'labels_outside')) = 0
ORDER BY teff DESC, star_id
;
