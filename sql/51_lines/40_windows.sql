-- Title:   The lines, in the order in which their strengths stand.
-- Grain:   one row per core; the last three are of H alpha besides.
-- Mode:    best
INSERT INTO lines.windows BY NAME
SELECT place, line, wavelength, halfwidth
FROM (
    VALUES
    (1, 'H alpha', 6564.6, 12.0), (2, 'H beta', 4862.7, 8.0), (3, 'H gamma', 4341.7, 8.0), (4, 'H delta', 4102.9, 8.0)
    , (5, 'Pa 11', 8865.3, 9.0), (6, 'Pa 12', 8752.9, 9.0), (7, 'Pa 14', 8600.8, 9.0)
    , (8, 'He I 6678', 6680.0, 6.0), (9, 'He I 7065', 7067.2, 6.0)
    , (10, 'Fe II 5018', 5019.8, 6.0), (11, 'Fe II 5169', 5170.5, 6.0), (12, 'Fe II 5317', 5318.1, 6.0)
    , (13, 'O I 7774', 7776.3, 8.0), (14, 'O I 8446', 8448.7, 7.0)
    , (15, 'Ca II 8498', 8500.4, 7.0), (16, 'Ca II 8542', 8544.4, 7.0), (17, 'Ca II 8662', 8664.5, 7.0)
    , (18, '[N II] 6548', 6549.9, 3.5), (19, '[N II] 6583', 6585.3, 3.5)
    , (20, '[S II] 6716', 6718.3, 3.5), (21, '[S II] 6731', 6732.7, 3.5)
    , (22, '[O III] 4959', 4960.3, 3.5), (23, '[O III] 5007', 5008.2, 3.5)
    , (24, 'detection', 6564.6, 6.0), (25, 'inner', 6564.6, 3.5), (26, 'wide', 6564.6, 20.0)
) AS t (place, line, wavelength, halfwidth)
;
