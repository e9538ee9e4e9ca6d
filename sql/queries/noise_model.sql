-- Title:   What the error of M_spec is made of: slope, offset, intrinsic scatter, scatter at S/N 100, by emission class
-- Reads:   model.noise_summary
-- Paper:   section 5.3, Fig. 8
FROM model.noise_summary
ORDER BY em_flag, parameter
;
