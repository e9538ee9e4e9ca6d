-- Title:   Every number a reader may want to change, once; unit, source and paper|assumed stand in schema/columns.csv.
-- Grain:   one row.
-- Paper:   METHOD sections 1 to 8; a survey overrides a value by its name.
INSERT INTO meta.parameters BY NAME
SELECT
    50.0 AS continuum_sigma
    , 100 AS pca_components
    , 20.0 AS pca_min_snr_g
    , 0.2 AS pca_max_masked
    , 2.0 AS snr_contradiction
    , 10.0 AS pca_outlier
    , 5 AS pca_sweeps
    , 3750.0 AS pca_min_wavelength
    , 9000.0 AS pca_max_wavelength
    , 6564.6 AS halpha
    , 15.0 AS halpha_halfwidth
    , 40.0 AS halpha_chi2_halfwidth
    , 1e-3 AS em_false_alarm
    , 6.0 AS erroneous_chi2
    , 3.0 AS star_radius
    , 3.0 AS match_radius
    , 2000.0 AS position_epoch
    , -0.0523 AS zero_point_default
    , 0.014 AS colour_error_floor
    , 14.0 AS saturation_r
    , 0.0 AS header_mag_error
    , 200 AS label_min_stars
    , 100 AS label_trees
    , 31 AS label_leaves
    , 20 AS label_min_leaf
    , 0.1 AS label_learning_rate
    , 1 AS label_seed
    , 20000.0 AS colour_teff
    , -3.0 AS ebv_negative_nsigma
    , 10.0 AS train_min_parallax_snr
    , 50.0 AS train_min_snr_g
    , 0.8 AS train_fraction
    , 100 AS hidden_neurons
    , 0.2 AS dropout
    , 2 AS rejection_iterations
    , 1 AS network_seed
    , 200 AS network_min_stars
    , 64 AS batch_size
    , 60 AS epochs
    , 6e-3 AS learning_rate
    , 10 AS domain_components
    , 0.999 AS domain_fraction
    , 0.005 AS domain_bright_fraction
    , 2.0 AS binary_nsigma
    , 2.0 AS mk_faint_limit
    , 3.0 AS noise_nsigma
    , 30 AS noise_min_stars
    , 32 AS noise_walkers
    , 1200 AS noise_steps
    , 20210822 AS noise_seed
    , 100.0 AS distance_max
    , -8.122 AS sun_x
    , 0.0208 AS sun_z
;
