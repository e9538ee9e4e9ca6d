-- Title:   What the bits of the column quality mean.
-- Grain:   one row per bit.
-- Reads:   meta.parameters
-- Paper:   METHOD sections 1 to 7
INSERT INTO meta.quality_bits BY NAME
SELECT b.bit, b.name, replace(replace(
    b.meaning, '{limit}', format('{:g}', p.mk_faint_limit)), '{teff}', format('{:g}', p.domain_teff)) AS meaning
FROM (VALUES
    (1, 'no_rest_frame', 'No redshift, so no rest frame and no estimate from the spectrum')
    , (2, 'masked', 'Many masked pixels; no estimate where the others do not tell')
    , (4, 'high_ivar', 'Inverse variance of some pixels far above the median of the file')
    , (1048576, 'ivar_contradicts', 'S/N from flux and inverse variance contradicts the S/N of the header')
    , (8, 'erroneous', 'Spectrum cannot be reconstructed: artefact or wrong wavelength calibration')
    , (16, 'snr_computed', 'S/N computed from the spectrum, the header has none')
    , (32, 'obsid_impossible', 'The header has an impossible obsid')
    , (64, 'no_gaia', 'No Gaia source, no parallax, or no zero point of the parallax')
    , (128, 'no_ks', 'No Ks magnitude, or an upper limit')
    , (256, 'no_labels', 'No effective temperature, neither given nor regressed')
    , (512, 'labels_regressed', 'Labels regressed from the spectrum')
    , (1024, 'labels_outside',
        'Labels outside the table of intrinsic colours: its edge was used, or no E(B-V) where Teff is off it')
    , (2048, 'no_colours', 'No colour to measure E(B-V) from')
    , (4096, 'negative_ebv', 'E(B-V) is negative by more than its error allows')
    , (8192, 'no_mk', 'No absolute magnitude from the spectrum')
    , (16384, 'out_of_domain',
        'Beyond the stars M was checked on: by spectrum, labels, header, place, brighter, or fainter than M = {limit}')
    , (2097152, 'cool', 'Teff below {teff} K by labels of table and spectrum joined, or Ca II K of an A star or later')
    , (4194304, 'compact', 'Surface gravity above that of the main sequence: subdwarf or white dwarf')
    , (8388608, 'misfit', 'Spectrum fitted worse than nearly all ordinary stars of its S/N')
    , (33554432, 'no_em_flag', 'No emission flag: Halpha masked, or no coefficients, or too few stars to compare with')
    , (67108864, 'parallax_negative', 'Parallax less its zero point not positive: no M from it')
    , (134217728, 'no_models', 'Too few stars to teach the eigenspectra, network or noise model that this needs')
    , (268435456, 'no_snr', 'S/N unknown, in the header and from the spectrum: no error of M')
    , (16777216, 'other_class', 'The header calls it an F to M star, a galaxy or a quasar')
    , (32768, 'parallax_only', 'Distance PDF from the parallax alone')
    , (65536, 'spectrum_only', 'Distance PDF from the spectrum alone')
    , (131072, 'distance_edge', 'The largest distance allowed cuts the distance PDF; decides it where dis is null')
    , (262144, 'parallax_poor',
        'No dis: it would rest on the parallax alone (a binary, or no M, Ks or extinction), which is too poor')
    , (524288, 'distance_wide', 'No dis: distance PDF so wide that its mode lies outside its 16th to 84th percentile')
) AS b (bit, name, meaning)
CROSS JOIN meta.parameters AS p
;
