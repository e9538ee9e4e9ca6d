-- Title:   Samples of the noise model of stars without emission, its burn-in (a third) left out
-- Reads:   model.noise_chain
SELECT alpha, beta, sigma_int, sigma_100
FROM model.noise_chain
WHERE em_flag = 0 AND step >= (SELECT min(step) + (max(step) - min(step)) / 3 FROM model.noise_chain)
ORDER BY step, walker
;
