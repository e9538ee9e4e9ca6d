-- Title:   No NaN, no infinity and no sentinel stands for NULL in the catalog.
-- Level:   fail
-- Reads:   catalog.ob_stars
WITH texts AS (
    SELECT specid AS row, COLUMNS(*)::VARCHAR FROM catalog.ob_stars
)
, cells AS (
    UNPIVOT texts ON COLUMNS(* EXCLUDE row) INTO NAME column_name VALUE cell
)
SELECT row, column_name, cell
FROM cells
WHERE lower(trim(cell)) IN (
    '', 'nan', '-nan', 'inf', '-inf', 'null', 'none', '--', '-9999', '-9999.0', '-999.0', '99.999', '-99.999', '99999.0'
)
;
