-- Title:   Published zero points of Gaia DR2 parallaxes against the parallax or against G.
-- Grain:   one row per source_id of DR2.
-- Reads:   raw.gaia_dr2
-- Paper:   METHOD section 4; Leung & Bovy (2019) as astroNN adds it, below 2 mas (held at 0 and 2 mas beyond); Zinn et al. (2019), Eq. 9
CREATE VIEW stage.zero_point_relations AS
SELECT
    source_id
    , CASE WHEN meta.valid(parallax) IS NOT NULL THEN least(greatest(parallax, 0), 2) END AS held
    , -(0.056 - 0.00574 * held - 0.0096 * held ** 2) AS leung_bovy_2019
    , -(0.0528 - 0.00421 * (meta.valid_mag(phot_g_mean_mag) - 12.2)) AS zinn_2019
FROM raw.gaia_dr2
;
