-- Title:   Training stars, each with its best spectrum; a star of the sample stays the sample's and is none of these.
-- Grain:   one row per star (star_id).
-- Reads:   raw.training_headers, raw.gaia_dr3, stage.training, stage.headers, stage.zero_point, sample.visits, meta.parameters
-- Paper:   section 5.1; METHOD section 4
INSERT INTO training.stars BY NAME
WITH places AS (
    SELECT h.specid, h.ra, h.dec, radius, unnest(meta.sky_cells(h.ra, h.dec, radius)) AS cell
    FROM raw.training_headers AS h
    CROSS JOIN (SELECT greatest(match_radius, star_radius) AS radius FROM meta.parameters) AS p
)
, named AS (
    SELECT h.specid, t.row FROM raw.training_headers AS h INNER JOIN stage.training AS t ON h.specid = t.specid
    UNION
    SELECT h.specid, t.row FROM raw.training_headers AS h INNER JOIN stage.training AS t ON h.obsid = t.obsid
    UNION
    SELECT h.specid, t.row FROM raw.training_headers AS h INNER JOIN stage.training AS t ON h.fitsname = t.fitsname
    UNION
    SELECT o.specid, t.row
    FROM places AS o
    INNER JOIN stage.training AS t ON meta.sky_cell(t.ra, t.dec, o.radius) = o.cell
    CROSS JOIN meta.parameters AS p
    WHERE meta.separation_arcsec(o.ra, o.dec, t.ra, t.dec) <= p.match_radius
)
, of_sample AS (
    SELECT DISTINCT o.specid
    FROM places AS o
    INNER JOIN stage.headers AS h ON meta.sky_cell(h.ra, h.dec, o.radius) = o.cell
    SEMI JOIN sample.visits AS v ON h.specid = v.specid
    CROSS JOIN meta.parameters AS p
    WHERE meta.separation_arcsec(o.ra, o.dec, h.ra, h.dec) <= p.star_radius
)
, observed AS (
    SELECT n.row, h.specid, meta.star_id(h.ra, h.dec) AS star_id, h.ra, h.dec
        , coalesce(meta.header_snr(h.snr_g), meta.finite(h.snr_g_computed)) AS snr_g
    FROM named AS n
    INNER JOIN raw.training_headers AS h USING (specid)
    ANTI JOIN of_sample AS o ON h.specid = o.specid
    QUALIFY row_number() OVER (PARTITION BY n.row ORDER BY snr_g DESC NULLS LAST, h.specid) = 1
)
, chosen AS (
    SELECT o.*, t.name, t.source_id, t.parallax, t.parallax_error, t.ks, t.ks_err
        , coalesce(
            t.parallax_offset
            , z.parallax_offset
            , CASE WHEN NOT EXISTS (FROM raw.gaia_dr3) THEN p.zero_point_default END
        ) AS parallax_offset
    FROM observed AS o
    CROSS JOIN meta.parameters AS p
    INNER JOIN stage.training AS t ON o.row = t.row
    LEFT JOIN stage.zero_point AS z ON t.source_id = z.source_id
    ANTI JOIN sample.visits AS v ON o.star_id = v.star_id
    QUALIFY row_number() OVER (PARTITION BY o.star_id ORDER BY o.snr_g DESC NULLS LAST, o.specid, o.row) = 1
)
SELECT *, parallax - parallax_offset AS parallax_corrected
FROM chosen
ORDER BY star_id
;
