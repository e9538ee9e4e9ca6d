-- Title:   Equivalent width of each line with its error, significance and limit.
-- Grain:   one row per spectrum and line (specid, line).
-- Reads:   lines.strengths, lines.windows, meta.parameters
-- Mode:    best
CREATE VIEW lines.line_table AS
SELECT
    m.specid
    , w.line
    , CASE WHEN m.line_ew_err[w.place] < 1e20 THEN m.line_ew[w.place]::DOUBLE END AS ew
    , CASE WHEN m.line_ew_err[w.place] < 1e20 THEN m.line_ew_err[w.place]::DOUBLE END AS ew_err
    , CASE WHEN m.line_ew_err[w.place] < 1e20 THEN m.line_z[w.place]::DOUBLE END AS significance
    , p.line_limit_nsigma * ew_err AS ew_limit
FROM lines.strengths AS m
CROSS JOIN lines.windows AS w
CROSS JOIN meta.parameters AS p
WHERE w.line NOT IN ('detection', 'inner', 'wide')
;
