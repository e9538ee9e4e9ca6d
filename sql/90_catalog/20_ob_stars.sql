-- Title:   The catalog: the columns of Table 1 in the paper's order, then ours.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, stage.headers, sample.stars, emission.lines, extinction.labels, extinction.reddening, extinction.photometry, luminosity.geometric, luminosity.magnitudes, uncertainty.errors, binarity.excess, distance.distances, catalog.quality, meta.parameters, meta.survey, stage.gaia_sources
-- Paper:   section 7, Table 1
INSERT INTO catalog.ob_stars BY NAME
SELECT
    v.specid
    , h.fitsname
    , h.ra
    , h.dec
    , v.uniqflag
    , v.star_id
    , v.snr_g
    , h.rv
    , h.rv_err
    , m.mk
    , CASE WHEN m.mk IS NOT NULL THEN u.mk_err END AS mk_err
    , g.mk_geo
    , g.mk_geo_err
    , d.dis
    , d.dis_low
    , d.dis_high
    , d.logdis
    , d.logdis_err
    , e.ebv
    , e.ebv_err
    , b.snr_dparallax
    , b.binary_flag
    , l.em_flag
    , s.source_id AS gaia_id
    , s.parallax
    , s.parallax_error
    , s.parallax_offset
    , s.pmra
    , s.pmra_error
    , s.pmdec
    , s.pmdec_error
    , s.ruwe
    , s.j
    , s.j_err
    , s.h
    , s.h_err
    , s.ks
    , s.ks_err
    , p.sun_x + d.dis * meta.galactic_unit_x(s.ra, s.dec) AS x
    , d.dis * meta.galactic_unit_y(s.ra, s.dec) AS y
    , p.sun_z + d.dis * meta.galactic_unit_z(s.ra, s.dec) AS z
    , s.parallax_corrected
    , s.zero_point
    , 'Gaia DR' || (SELECT coalesce(max(release), 2) FROM stage.gaia_sources) || ' ' || s.source_id AS gaia_name
    , h.obsid
    , t.teff
    , t.teff_err
    , t.logg
    , t.logg_err
    , t.feh
    , t.feh_err
    , t.label_source
    , e.a_ks
    , e.a_ks_err
    , e.n_colours
    , f.gri_source
    , b.parallax_spec
    , b.parallax_spec_err
    , l.halpha_excess
    , l.halpha_excess_err
    , l.halpha_ew
    , l.halpha_chi2
    , l.clean_chi2
    , l.erroneous
    , q.quality
    , y.simulated
FROM sample.visits AS v
CROSS JOIN meta.parameters AS p
CROSS JOIN meta.survey AS y
INNER JOIN stage.headers AS h ON v.specid = h.specid
INNER JOIN sample.stars AS s ON v.star_id = s.star_id
INNER JOIN catalog.quality AS q ON v.specid = q.specid
LEFT JOIN emission.lines AS l ON v.specid = l.specid
LEFT JOIN extinction.labels AS t ON v.star_id = t.star_id
LEFT JOIN extinction.reddening AS e ON v.star_id = e.star_id
LEFT JOIN extinction.photometry AS f ON v.star_id = f.star_id
LEFT JOIN luminosity.geometric AS g ON v.star_id = g.star_id
LEFT JOIN luminosity.magnitudes AS m ON v.specid = m.specid
LEFT JOIN uncertainty.errors AS u ON v.specid = u.specid
LEFT JOIN binarity.excess AS b ON v.specid = b.specid
LEFT JOIN distance.distances AS d ON v.specid = d.specid
ORDER BY v.specid
;
