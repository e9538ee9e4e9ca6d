-- Title:   Spectra of one star: all that can be reached by steps of at most the star radius.
-- Grain:   one row per spectrum (specid).
-- Reads:   stage.headers, sample.targets, meta.parameters
-- Paper:   METHOD section 1
INSERT INTO sample.groups BY NAME
WITH RECURSIVE positions AS (
    SELECT specid, ra, dec, meta.sky_cell(ra, dec, p.star_radius) AS cell, p.star_radius
    FROM stage.headers
    SEMI JOIN sample.targets USING (specid)
    CROSS JOIN meta.parameters AS p
)
, neighbours AS (
    SELECT a.specid, b.specid AS other
    FROM (SELECT * REPLACE (unnest(meta.sky_cells(ra, dec, star_radius)) AS cell) FROM positions) AS a
    INNER JOIN positions AS b USING (cell)
    WHERE meta.separation_arcsec(a.ra, a.dec, b.ra, b.dec) <= a.star_radius
)
, reached AS (
    SELECT specid, other FROM neighbours
    UNION
    SELECT r.specid, n.other
    FROM reached AS r
    INNER JOIN neighbours AS n ON r.other = n.specid
)
SELECT specid, min(other) AS first_specid
FROM reached
GROUP BY specid
ORDER BY specid
;
