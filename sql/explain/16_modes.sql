-- Title:   Both modes side by side; n_sigma is best less paper, in units of the errors of both
-- Grain:   one row per quantity.
-- Reads:   catalog.ob_stars, catalog.ob_stars_best, catalog.catalog_diff
-- Mode:    best
SELECT
    unnest([
        'mk', 'dis', 'ebv', 'a_ks', 'teff', 'logg', 'rv', 'halpha_ew', 'em_flag', 'binary_flag', 'erroneous'
    ]) AS quantity
    , unnest([o.mk, o.dis, o.ebv, o.a_ks, o.teff, o.logg, o.rv, o.halpha_ew, o.em_flag, o.binary_flag, o.erroneous])
        AS paper
    , unnest([
        o.mk_err, (o.dis_high - o.dis_low) / 2, o.ebv_err, o.a_ks_err, o.teff_err, o.logg_err, o.rv_err
        , NULL, NULL, NULL, NULL
    ]) AS paper_err
    , unnest([b.mk, b.dis, b.ebv, b.a_ks, b.teff, b.logg, b.rv, b.halpha_ew, b.em_flag, b.binary_flag, b.erroneous])
        AS best
    , unnest([
        b.mk_err, (b.dis_high - b.dis_low) / 2, b.ebv_err, b.a_ks_err, b.teff_err, b.logg_err, b.rv_err
        , b.halpha_ew_err, NULL, NULL, NULL
    ]) AS best_err
    , unnest([d.mk_nsigma, d.dis_nsigma, d.ebv_nsigma, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL]) AS n_sigma
FROM catalog.ob_stars AS o
INNER JOIN catalog.ob_stars_best AS b USING (specid)
LEFT JOIN catalog.catalog_diff AS d USING (specid)
WHERE specid = $specid
;
