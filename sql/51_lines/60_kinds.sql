-- Title:   What discs, nebulae, winds and B[e] stars show: mean and scatter of five features, and how common they are.
-- Grain:   one row per kind; ratios of equivalent widths to that of H alpha, and log g - 4 log10(Teff / 10^4 K).
-- Mode:    best
INSERT INTO lines.kinds BY NAME
SELECT *
FROM (
    VALUES
    ('disc', 0.72, 0.75, 0.14, 0.0, 0.03, 0.0, 0.02, 0.03, 0.04, 3.4, 0.5)
    , ('nebular', 0.20, 0.98, 0.06, 0.33, 0.20, 0.25, 0.20, 0.0, 0.02, 3.4, 0.7)
    , ('wind', 0.07, 0.6, 0.12, 0.0, 0.04, 0.0, 0.02, 0.0, 0.03, 1.45, 0.25)
    , ('B[e]', 0.01, 0.85, 0.12, 0.05, 0.10, 0.02, 0.05, 0.12, 0.08, 2.5, 0.8)
) AS t (
    kind, prior, inner_mean, inner_scatter, nitrogen_mean, nitrogen_scatter, sulphur_mean, sulphur_scatter
    , iron_mean, iron_scatter, gravity_mean, gravity_scatter
)
;
