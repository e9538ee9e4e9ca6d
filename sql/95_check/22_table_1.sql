-- Title:   The catalog begins with the 41 columns of Table 1, in the paper's order.
-- Level:   fail
-- Paper:   Table 1
WITH published AS (
    SELECT unnest([
        'specid', 'fitsname', 'ra', 'dec', 'uniqflag', 'star_id', 'snr_g', 'rv', 'rv_err', 'mk', 'mk_err', 'mk_geo'
        , 'mk_geo_err', 'dis', 'dis_low', 'dis_high', 'logdis', 'logdis_err', 'ebv', 'ebv_err', 'snr_dparallax'
        , 'binary_flag', 'em_flag', 'gaia_id', 'parallax', 'parallax_error', 'parallax_offset', 'pmra', 'pmra_error'
        , 'pmdec', 'pmdec_error', 'ruwe', 'j', 'j_err', 'h', 'h_err', 'ks', 'ks_err', 'x', 'y', 'z'
    ]) AS name, generate_subscripts(range(41), 1) AS place
)
, found AS (
    SELECT column_name AS name, column_index AS place
    FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = 'catalog' AND table_name = 'ob_stars'
)
SELECT p.place, p.name AS published, f.name AS found
FROM published AS p
LEFT JOIN found AS f USING (place)
WHERE p.name IS DISTINCT FROM f.name
;
