-- Title:   What best mode changed and why: spectra by reason (a spectrum may have several), median changes
-- Reads:   catalog.catalog_diff
WITH reasons AS (
    SELECT specid, unnest(string_split(coalesce(reason, 'within 2 sigma'), '; ')) AS reason
    FROM catalog.catalog_diff
)
SELECT CASE WHEN r.reason LIKE 'band %' THEN 'a band doubted' ELSE r.reason END AS why, count(*) AS spectra
    , median(d.mk_best - d.mk) AS median_mk_change, median(ln(d.dis_best / d.dis)) AS median_ln_dis_change
    , median(d.ebv_best - d.ebv) AS median_ebv_change
FROM reasons AS r
INNER JOIN catalog.catalog_diff AS d USING (specid)
GROUP BY why
ORDER BY spectra DESC, why
;
