-- Title:   E(B-V), R_V and extinction in Ks from all magnitudes at once; light beyond star and dust.
-- Grain:   one row per star (star_id) with labels.
-- Reads:   reddening.photometry, reddening.terms, extinction.best_labels, sample.stars, sample.visits, lines.emission
-- UDFs:    mixed_extinction
-- Mode:    best
INSERT INTO reddening.dust BY NAME
SELECT
    f.star_id
    , unnest(mixed_extinction(
        l.teff, l.teff_err, l.logg_err, l.feh_err, e.em_flag, e.halpha_ew, s.ra, s.dec
        , f.b, f.b_err, f.g_apass, f.g_apass_err, f.g, f.g_err, f.bp, f.bp_err, f.v, f.v_err
        , f.r_apass, f.r_apass_err, f.r, f.r_err, f.i_apass, f.i_apass_err, f.i, f.i_err
        , f.rp, f.rp_err, f.j, f.j_err, f.h, f.h_err, f.ks, f.ks_err
        , t.correction, t.correction_slopes, t.law, t.law_slope
    ))
FROM reddening.photometry AS f
INNER JOIN extinction.best_labels AS l ON f.star_id = l.star_id
INNER JOIN reddening.terms AS t ON f.star_id = t.star_id
INNER JOIN sample.stars AS s ON f.star_id = s.star_id
INNER JOIN sample.visits AS v ON f.star_id = v.star_id AND v.uniqflag = 1
LEFT JOIN lines.emission AS e ON v.specid = e.specid
ORDER BY f.star_id
;
