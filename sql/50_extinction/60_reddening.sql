-- Title:   E(B-V) from the colours of adjacent bands, and the extinction in Ks.
-- Grain:   one row per star (star_id).
-- Reads:   extinction.photometry, extinction.labels
-- UDFs:    extinction
-- Paper:   section 4
INSERT INTO extinction.reddening BY NAME
SELECT
    star_id
    , unnest(extinction(
        l.teff, l.logg, l.feh, l.teff_err, l.logg_err, l.feh_err
        , p.b, p.b_err, p.g, p.g_err, p.bp, p.bp_err, p.v, p.v_err
        , p.r, p.r_err, p.i, p.i_err, p.rp, p.rp_err, p.j, p.j_err, p.h, p.h_err
    ))
FROM extinction.photometry AS p
INNER JOIN extinction.labels AS l USING (star_id)
;
