-- Title:   Cells of the sky, by which positions are matched: within a radius, across 0 h and at the poles; pure SQL.
-- Grain:   macros.
-- Paper:   METHOD section 3
-- The cell of a position, and the cells that hold all positions within ``radius`` arcsec of it: cells are one radius high
-- in declination and a degree wide in right ascension, of which a circle about a pole has all. So a match costs what there
-- is to be matched, not its square.
CREATE MACRO meta.whole(x) AS try_cast(floor(x) AS BIGINT);
CREATE MACRO meta.sky_cell(ra, dec, radius) AS
    360 * meta.whole(dec * 3600 / radius) + (meta.whole(ra) % 360 + 360) % 360;
CREATE MACRO meta.half_width(dec, radius) AS CASE WHEN abs(dec) + radius / 3600 < 90
    THEN 1e-9 + (1 + 1e-9) * degrees(asin(least(1.0, sin(radians(radius / 3600)) / cos(radians(dec)))))
    ELSE 180 END;
CREATE MACRO meta.sky_cells(ra, dec, radius) AS flatten([
    [360 * zone + (degree % 360 + 360) % 360 for zone in generate_series(
        meta.whole(dec * 3600 / radius) - 1, meta.whole(dec * 3600 / radius) + 1
    )] for degree in generate_series(
        meta.whole(ra - meta.half_width(dec, radius))
        , least(meta.whole(ra + meta.half_width(dec, radius)), meta.whole(ra - meta.half_width(dec, radius)) + 359)
    )
]);
