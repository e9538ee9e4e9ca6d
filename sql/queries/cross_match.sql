-- Title:   Cross-match with your own list: put its rows where the example stands; nearest star within 3 arcsec of each
-- Reads:   catalog.ob_stars
WITH mine (name, ra, dec) AS (
    VALUES ('LB-1', 92.95450, 22.82575), ('nothing here', 10.0, -89.0)
)
SELECT m.name, s.star_id, s.gaia_id, 3600 * separation(m.ra, m.dec, s.ra, s.dec) AS arcsec, s.mk, s.dis, s.ebv
FROM mine AS m
LEFT JOIN catalog.ob_stars AS s
    ON s.uniqflag = 1
    AND s.dec BETWEEN m.dec - 3 / 3600 AND m.dec + 3 / 3600
    AND separation(m.ra, m.dec, s.ra, s.dec) <= 3 / 3600
QUALIFY row_number() OVER (PARTITION BY m.name ORDER BY arcsec, s.star_id) = 1
ORDER BY m.name
;
