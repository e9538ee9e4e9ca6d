-- Title:   No column of the catalog is empty; what is, and why.
-- Level:   warn
-- Reads:   catalog.ob_stars, meta.provenance, model.luminosity_summary
WITH counts AS (
    SELECT count(COLUMNS('(.*)')) AS "\1" FROM catalog.ob_stars
)
, filled AS (
    UNPIVOT counts ON COLUMNS(*) INTO NAME column_name VALUE n
)
, given AS (
    SELECT
        bool_or(item IN ('input gaia_dr2', 'input gaia_dr3')) AS gaia
        , bool_or(item = 'input twomass') AS twomass
        , bool_or(item = 'input labels') AS labels
    FROM meta.provenance
)
SELECT
    column_name
    , CASE
        WHEN regexp_matches(column_name, '^(gaia|parallax|zero_point|pm|ruwe|mk_geo)') AND NOT coalesce(gaia, FALSE)
            THEN 'no table of Gaia'
        WHEN regexp_matches(column_name, '^(j|h|ks)(_err)?$') AND NOT coalesce(twomass, FALSE)
            THEN 'no table twomass'
        WHEN regexp_matches(column_name, '^(teff|logg|feh|label)') AND NOT coalesce(labels, FALSE)
            THEN 'no table labels'
        WHEN regexp_matches(column_name, '^(mk|parallax_spec|snr_dparallax|binary_flag)')
            AND NOT EXISTS (FROM model.luminosity_summary)
            THEN 'no network: too few stars to train one'
        ELSE 'no row has one'
    END AS reason
FROM filled
CROSS JOIN given
WHERE n = 0 AND EXISTS (FROM catalog.ob_stars)
ORDER BY column_name
;
