-- Title:   Binarity: the spectro-photometric parallax against Gaia's
-- Grain:   one row.
-- Reads:   sample.visits, sample.stars, binarity.excess, meta.parameters
SELECT b.parallax_spec, b.parallax_spec_err, s.parallax, s.parallax_offset, s.parallax_corrected, s.parallax_error
    , meta.height(b.parallax_spec, s.ra, s.dec) AS height_by_the_spectrum
    , b.snr_dparallax, p.binary_nsigma AS limit_of_snr_dparallax, b.binary_flag
    , CASE
        WHEN s.parallax IS NULL THEN 'unknown: no parallax'
        WHEN s.ks IS NULL THEN 'unknown: no Ks'
        WHEN b.parallax_spec IS NULL THEN 'unknown: no absolute magnitude from the spectrum, or no extinction'
        WHEN b.binary_flag = 1 THEN 'nearer by its parallax: brighter than its spectrum says'
        ELSE 'no brighter than its spectrum says'
    END AS because
FROM sample.visits AS v
CROSS JOIN meta.parameters AS p
INNER JOIN sample.stars AS s ON v.star_id = s.star_id
LEFT JOIN binarity.excess AS b ON v.specid = b.specid
WHERE v.specid = $specid
;
