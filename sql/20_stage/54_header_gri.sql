-- Title:   g, r, i in the headers of anticentre plates (XSTPS-GAC by their comment), if the survey gives them an error.
-- Grain:   one row per spectrum (specid) that has them.
-- Reads:   raw.headers, meta.parameters
-- Paper:   LAMOST headers: letter k of MAGTYPE names MAGk; 99 and 0 are no magnitudes
CREATE VIEW stage.header_gri AS
WITH listed AS (
    SELECT h.specid, h.magtype, [h.mag1, h.mag2, h.mag3, h.mag4, h.mag5, h.mag6, h.mag7] AS mags, p.header_mag_error
    FROM raw.headers AS h
    CROSS JOIN meta.parameters AS p
    WHERE p.header_mag_error > 0
        AND h.tcomment = 'xuyi_r'
        AND h.magtype IN ('ugriz', 'griz', 'gri', 'ugrizjh', 'ugrijhk')
)
, named AS (
    SELECT
        specid
        , header_mag_error
        , meta.measured(nullif(mags[instr(magtype, 'g')], 0), header_mag_error) AS g
        , meta.measured(nullif(mags[instr(magtype, 'r')], 0), header_mag_error) AS r
        , meta.measured(nullif(mags[instr(magtype, 'i')], 0), header_mag_error) AS i
    FROM listed
)
SELECT
    specid
    , g
    , meta.measured_err(g, header_mag_error) AS g_err
    , r
    , meta.measured_err(r, header_mag_error) AS r_err
    , i
    , meta.measured_err(i, header_mag_error) AS i_err
FROM named
WHERE coalesce(g, r, i) IS NOT NULL
;
