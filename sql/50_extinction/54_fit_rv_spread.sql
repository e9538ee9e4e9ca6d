-- Title:   The spread of R_V that the colours of the stars without emission ask for.
-- Grain:   one row per star (star_id) without emission.
-- Reads:   extinction.contrasts, sample.visits, emission.lines
-- Fit:     colours.rv_spread
-- Parameters: rv_min_stars
-- Paper:   not in the paper; METHOD section 3
SELECT c.star_id, c.contrast, c.contrast_err, c.contrast_rv
FROM extinction.contrasts AS c
INNER JOIN sample.visits AS v ON c.star_id = v.star_id AND v.uniqflag = 1
INNER JOIN emission.lines AS e ON v.specid = e.specid
WHERE e.em_flag = 0
ORDER BY c.star_id
;
