-- Title:   Rounds of the training in which the star took part, and whether it was dropped as a binary
-- Grain:   one row per network and round.
-- Reads:   model.luminosity_stars
FROM model.luminosity_stars
WHERE star_id = $star_id
ORDER BY network, iteration
;
