-- Title:   All that best mode's luminosity is made from, in one view: whatever is measured better is put in here.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, spectra.scores, emission.lines, lines.emission, lines.nebula_free, sample.stars, reddening.dust, reddening.photometry, stage.zero_point, extinction.best_labels, meta.parameters
-- Mode:    best
-- Paper:   not in the paper; the parallax as published, its published zero point taken off
CREATE VIEW posterior.inputs AS
WITH freed AS (
    SELECT specid, score_full FROM lines.nebula_free WHERE score_full IS NOT NULL
)
, scores AS (
    SELECT c.specid, c.score_full FROM spectra.scores AS c ANTI JOIN freed USING (specid)
    UNION ALL
    FROM freed
)
SELECT
    v.specid
    , v.star_id
    , v.uniqflag
    , floor(p.posterior_folds * meta.hash_fraction(v.star_id))::SMALLINT AS fold
    , v.snr_g
    , c.score_full[1:30]::FLOAT[30] AS score
    , CASE WHEN n.emission_kind = 'nebular' THEN 0 ELSE n.em_flag END AS own_emission
    , CASE WHEN n.em_flag = 1 AND n.emission_kind IN ('disc', 'B[e]') THEN p.disc_ks * n.halpha_ew ELSE 0 END
    AS disc_light
    , coalesce(e.excess_ks > greatest(p.disc_nsigma * e.excess_ks_err, disc_light), false) AS is_predicted
    , CASE WHEN is_predicted THEN e.ks_model ELSE s.ks + disc_light END - e.a_ks AS ks0
    , sqrt(
        CASE WHEN is_predicted THEN e.ks_model_err ** 2 ELSE s.ks_err ** 2 + (0.5 * disc_light) ** 2 END
        + e.a_ks_err ** 2 + p.magnitude_error_floor ** 2
    ) AS ks0_err
    , e.a_ks_err
    , e.ebv
    , e.ebv_err
    , CASE
        WHEN z.zero_point_source = 'constant' AND s.g_gaia IS NOT NULL
            THEN meta.zero_point_dr2(s.g_gaia)
                + p.posterior_zero_point_colour * coalesce(meta.effective_wavenumber(f.bp - f.rp) - 1.6, 0)
        ELSE s.parallax_offset
    END AS published_offset
    , s.parallax - published_offset AS parallax_corrected
    , s.parallax_error
    , s.g_gaia
    , s.ruwe
    , galactic_l(s.ra, s.dec) AS glon
    , galactic_b(s.ra, s.dec) AS glat
    , meta.effective_wavenumber(f.bp - f.rp) AS nu_eff
    , b.teff
    , b.logg
    , coalesce(
        l.erroneous = 0 AND c.score_full IS NOT NULL AND v.snr_g > 0 AND ks0 + ks0_err IS NOT NULL
        AND parallax_corrected + s.parallax_error IS NOT NULL, false
    ) AS is_train
FROM sample.visits AS v
INNER JOIN sample.stars AS s ON v.star_id = s.star_id
LEFT JOIN scores AS c ON v.specid = c.specid
LEFT JOIN emission.lines AS l ON v.specid = l.specid
LEFT JOIN lines.emission AS n ON v.specid = n.specid
LEFT JOIN reddening.dust AS e ON v.star_id = e.star_id
LEFT JOIN reddening.photometry AS f ON v.star_id = f.star_id
LEFT JOIN extinction.best_labels AS b ON v.star_id = b.star_id
LEFT JOIN stage.zero_point AS z ON s.source_id = z.source_id
CROSS JOIN meta.parameters AS p
;
