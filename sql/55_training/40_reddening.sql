-- Title:   Extinction of the training stars: as their table gives it, in Ks or as E(B-V), else from the colours it gives.
-- Grain:   one row per star (star_id).
-- Reads:   training.stars, training.labels, stage.training, reference.extinction_coefficients, meta.parameters
-- UDFs:    extinction
-- Paper:   section 4; METHOD section 3
INSERT INTO training.reddening BY NAME
WITH measured AS (
    SELECT s.star_id, s.row
        , unnest(extinction(
            l.teff, l.logg, l.feh, l.teff_err, l.logg_err, l.feh_err
            , t.b, t.b_err, t.g, t.g_err, t.bp, t.bp_err, t.v, t.v_err
            , t.r, t.r_err, t.i, t.i_err, t.rp, t.rp_err, t.j, t.j_err, t.h, t.h_err
        ))
    FROM training.stars AS s
    INNER JOIN training.labels AS l USING (star_id)
    INNER JOIN stage.training AS t ON s.row = t.row
)
, coefficient AS (
    SELECT arg_min(k.ks, abs(log10(k.teff / p.colour_teff))) AS ks
    FROM reference.extinction_coefficients AS k
    CROSS JOIN meta.parameters AS p
)
SELECT
    m.star_id
    , coalesce(t.given_a_ks, t.given_ebv * k.ks, m.a_ks) AS a_ks
    , CASE
        WHEN t.given_a_ks IS NOT NULL THEN t.given_a_ks_err
        WHEN t.given_ebv IS NOT NULL THEN t.given_ebv_err * k.ks
        ELSE m.a_ks_err
    END AS a_ks_err
FROM measured AS m
CROSS JOIN coefficient AS k
INNER JOIN stage.training AS t ON m.row = t.row
ORDER BY m.star_id
;
