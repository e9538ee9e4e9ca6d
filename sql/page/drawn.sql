-- Title:   Which stars the plots draw, in the order of the points: all, or where there are more, $most of them, evenly
-- Grain:   one row per star (star_id).
-- Reads:   catalog.ob_stars
SELECT row_number() OVER (ORDER BY md5(star_id), specid) <= $most AS drawn
FROM catalog.ob_stars
WHERE uniqflag = 1
ORDER BY specid
;
