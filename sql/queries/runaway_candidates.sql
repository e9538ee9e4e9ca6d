-- Title:   Stars more than 500 pc off the plane whose tangential velocity is above 100 km/s
-- Reads:   catalog.ob_stars
SELECT star_id, gaia_id, mk, dis, z, 4.74047 * dis * sqrt(pmra ** 2 + pmdec ** 2) AS tangential_velocity, rv, ruwe
FROM catalog.ob_stars
WHERE uniqflag = 1 AND abs(z) > 0.5 AND tangential_velocity > 100 AND ruwe < 1.4
    AND (dis_high - dis_low) / 2 / dis < 0.2
ORDER BY tangential_velocity DESC, star_id
;
