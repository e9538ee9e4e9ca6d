-- Title:   Young disc within 4 kpc of the Sun and 300 pc of the plane, distances good to 20 per cent
-- Reads:   catalog.ob_stars
SELECT star_id, gaia_id, x, y, z, dis, (dis_high - dis_low) / 2 / dis AS relative_error, rv, pmra, pmdec
FROM catalog.ob_stars
WHERE uniqflag = 1 AND dis < 4 AND abs(z) < 0.3 AND relative_error < 0.2
ORDER BY dis, star_id
;
