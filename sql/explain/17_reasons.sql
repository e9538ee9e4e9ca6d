-- Title:   Why the modes differ, where a value moved by more than 2 sigma or em_flag changed
-- Grain:   one row per reason.
-- Reads:   catalog.catalog_diff
-- Mode:    best
WITH said AS (
    SELECT unnest(string_split(reason, '; ')) AS reason
    FROM catalog.catalog_diff
    WHERE specid = $specid
)
, known (head, meaning) AS (VALUES
    ('emission'
        , 'Halpha against what ordinary stars with such coefficients show, in a narrower core, by another threshold')
    , ('band'
        , 'one magnitude disagrees with all others: best mode gives it less weight, paper mode averages it in')
    , ('R_V', 'the magnitudes ask for another R_V than 3.1, which paper mode takes for every star')
    , ('labels'
        , 'Teff of table and spectrum joined moved by more than two of its errors, and with it the intrinsic colours')
    , ('all bands'
        , 'E(B-V) is fitted to every magnitude at once, with the errors that bands share, not to neighbouring colours')
    , ('companion', 'light of a companion: likely in one mode and not in the other')
    , ('magnitude'
        , 'its own parallax has a say in M and distance, whatever binary_flag is; paper mode leaves M to the spectrum')
)
SELECT said.reason, known.meaning AS because
FROM said
LEFT JOIN known ON starts_with(said.reason, known.head)
;
