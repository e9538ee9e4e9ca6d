-- Title:   What ordinary stars with most of their bands teach of the bands and the dust.
-- Grain:   one row per star: some thousand, by a hash of their names.
-- Reads:   reddening.photometry, reddening.terms, extinction.best_labels, sample.stars, sample.visits, emission.lines, lines.emission, meta.parameters
-- Fit:     mixed_model.dust
-- Parameters: dust_min_stars
-- Mode:    best
SELECT
    f.star_id, s.ra, s.dec, l.teff, l.teff_err, l.logg_err, l.feh_err, e.em_flag
    , f.b, f.b_err, f.g_apass, f.g_apass_err, f.g, f.g_err, f.bp, f.bp_err, f.v, f.v_err
    , f.r_apass, f.r_apass_err, f.r, f.r_err, f.i_apass, f.i_apass_err, f.i, f.i_err
    , f.rp, f.rp_err, f.j, f.j_err, f.h, f.h_err, f.ks, f.ks_err
    , t.correction, t.correction_slopes, t.law, t.law_slope
FROM reddening.photometry AS f
INNER JOIN extinction.best_labels AS l USING (star_id)
INNER JOIN reddening.terms AS t USING (star_id)
INNER JOIN sample.visits AS v ON f.star_id = v.star_id AND v.uniqflag = 1
INNER JOIN emission.lines AS n USING (specid)
INNER JOIN lines.emission AS e USING (specid)
INNER JOIN sample.stars AS s ON f.star_id = s.star_id
CROSS JOIN meta.parameters AS p
WHERE e.em_flag = 0 AND n.erroneous = 0 AND t.correction IS NOT NULL
    AND list_count([f.b, f.g_apass, f.g, f.bp, f.v, f.r_apass, f.r, f.i_apass, f.i, f.rp, f.j, f.h]) >= p.dust_min_bands
QUALIFY row_number() OVER (ORDER BY meta.hash_fraction(f.star_id), f.star_id) <= p.dust_stars
ORDER BY f.star_id
;
