-- Title:   Extinction in B, g, V, r, i, J over E(B-V), of the spectrum the build uses
-- Reads:   reference.extinction_coefficients, meta.parameters
SELECT k.b, k.g, k.v, k.r, k.i, k.j
FROM reference.extinction_coefficients AS k
INNER JOIN meta.parameters AS p ON k.teff = p.colour_teff
;
