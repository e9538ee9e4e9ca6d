-- Title:   Why the modes differ, where a value moved by more than 2 sigma or em_flag changed
-- Grain:   one row per reason.
-- Reads:   catalog.catalog_diff
-- Mode:    best
WITH said AS (
    SELECT unnest(string_split(reason, '; ')) AS reason, generate_subscripts(string_split(reason, '; '), 1) AS place
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
    , ('parallax of another kind'
        , 'neither spectrum nor companion explains the parallax: a star of another kind, or a parallax that is wrong')
    , ('companion', 'light of a companion that either mode sees: best mode takes as much off as is likely')
    , ('its own parallax'
        , 'its parallax and place have a say in M and distance; paper mode leaves M to the spectrum')
    , ('zero point'
        , 'the zero point of the parallax, of G, colour and place, is another than the one that paper mode takes')
    , ('another network', 'the spectrum says another M to networks that learnt from all parallaxes, none cut')
    , ('spectrum with emission', 'emission in the spectrum, which each mode leaves out in its own way, moved its M')
    , ('spectrum out of domain'
        , 'the spectrum is none of those that networks learnt from: its M is worth little in either mode')
    , ('extinction', 'the extinction in Ks is another, and with it the distance')
)
SELECT said.reason, known.meaning AS because
FROM said
LEFT JOIN known ON starts_with(said.reason, known.head)
ORDER BY said.place
;
