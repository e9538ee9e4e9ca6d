-- Title:   Error of the spectroscopic magnitude from S/N and emission class.
-- Grain:   one row per spectrum (specid) of the sample.
-- Reads:   sample.visits, emission.lines
-- UDFs:    mk_error
-- Paper:   section 5.3, Eq. 8-10
INSERT INTO uncertainty.errors BY NAME
SELECT specid, unnest(mk_error(v.snr_g, e.em_flag))
FROM sample.visits AS v
INNER JOIN emission.lines AS e USING (specid)
;
