"""The one place where numpy kernels meet DuckDB.

A row of ``UDFS`` is all there is to a UDF: its kernel, the declared columns it takes and gives (so
types and units are on record), the models whose arrays and the parameters whose values it is handed
by keyword.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from obcat.kernels.continuum import rest_frame_normalised
from obcat.kernels.distance import distance
from obcat.kernels.domain import calcium, domain
from obcat.kernels.emission import emission
from obcat.kernels.extinction import dust_contrast, extinction
from obcat.kernels.labels import joined_labels, predict_labels
from obcat.kernels.line_strengths import line_strengths, line_sums, peak_separation
from obcat.kernels.luminosity import luminosity, mk_error
from obcat.kernels.mixed_model import BANDS, band_terms, mixed_extinction
from obcat.kernels.pca import nebula_free_score, pca_scores
from obcat.kernels.posterior import (
    posterior_distances,
    posterior_magnitudes,
    spectral_magnitude,
)
from obcat.kernels.shifts import fault_significances, raw_levels, spectrum_shifts, velocity_error
from obcat.schema import Column, column

__all__ = ["UDFS", "Udf"]

Arrays = Mapping[str, np.ndarray]

SLICE = 768  # a multiple of those of a product: 12 MB of each wide array in single precision
ALL = 2048  # as many as the engine has: of products of few rows each, which cost as much as of many


@dataclass(frozen=True)
class Udf:
    """``optional``: the kernel gets NaN for a NULL in these columns;
    a NULL in another makes the whole answer NULL. ``rows`` are handed to it at a time.
    """

    name: str
    kernel: Callable[..., Any]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    models: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    rows: int = SLICE

    @property
    def given(self) -> tuple[Column, ...]:
        return tuple(map(column, self.gives))

    @property
    def types(self) -> list[Any]:
        return [column(name).type for name in self.takes]

    @property
    def returns(self) -> str:
        return "STRUCT(" + ", ".join(f'"{c.column}" {c.type}' for c in self.given) + ")"


def _of(table: str, names: str) -> tuple[str, ...]:
    return tuple(f"{table}.{name}" for name in names.split())


PHOTOMETRY = _of(
    "extinction.photometry",
    "b b_err g g_err bp bp_err v v_err r r_err i i_err rp rp_err j j_err h h_err",
)
DOMAIN = (
    "spectra.scores.score_clean",
    "sample.visits.snr_g",
    "emission.lines.clean_chi2",
    *_of("spectra.calcium", "calcium_ew calcium_ew_err"),
    *_of("extinction.joined_labels", "teff teff_err logg logg_err"),
    "luminosity.magnitudes.beyond_training",
    "stage.headers.is_other",
)
LABEL_ERRORS = _of("extinction.labels", "teff_err logg_err feh_err")
BOTH_TERMS = (
    *_of("luminosity.magnitudes", "mk"),
    *_of("uncertainty.errors", "mk_err"),
    *_of("sample.stars", "ks ks_err"),
    *_of("extinction.reddening", "a_ks a_ks_err"),
    *_of("sample.stars", "parallax_corrected parallax_error"),
)
SAID = _of("posterior.spectral", "spec_mean spec_sigma companion_logit")
SEEN = (
    *_of("posterior.inputs", "ks0 ks0_err ebv parallax_corrected parallax_error"),
    *_of("posterior.inputs", "g_gaia ruwe glon glat nu_eff teff logg"),
)
MAY_LACK = (
    *_of("posterior.inputs", "ebv parallax_corrected parallax_error"),
    *_of("posterior.inputs", "g_gaia ruwe nu_eff teff logg"),
)

TERMS = _of("reddening.terms", "correction correction_slopes law law_slope")
ALL_BANDS = _of("reddening.photometry", " ".join(f"{band} {band}_err" for band in BANDS))

UDFS = {
    udf.name: udf
    for udf in (
        Udf(
            "normalised",
            rest_frame_normalised,
            takes=("raw.spectra.flux", "raw.spectra.ivar", "stage.headers.z"),
            gives=_of("spectra.normalised", "flux ivar masked_fraction"),
            parameters=("continuum_sigma", "pca_min_wavelength", "pca_max_wavelength"),
        ),
        Udf(
            "calcium",
            calcium,
            takes=_of("spectra.normalised", "flux ivar"),
            gives=_of("spectra.calcium", "calcium_ew calcium_ew_err"),
        ),
        Udf(
            "pca_scores",
            pca_scores,
            takes=_of("spectra.normalised", "flux ivar"),
            gives=_of("spectra.scores", "score_clean score_full"),
            models=("pca",),
            parameters=("pca_outlier", "pca_max_error", "pca_sweeps"),
            rows=ALL,
        ),
        Udf(
            "emission",
            emission,
            takes=(*_of("spectra.normalised", "flux ivar"), "spectra.scores.score_clean"),
            gives=_of(
                "emission.lines",
                "halpha_excess halpha_excess_err halpha_ew halpha_significance"
                " halpha_chi2 clean_chi2 em_flag erroneous",
            ),
            models=("pca",),
            parameters=(
                "halpha",
                "halpha_halfwidth",
                "halpha_chi2_halfwidth",
                "erroneous_chi2",
                "model_error",
            ),
        ),
        Udf(
            "predict_labels",
            predict_labels,
            takes=("spectra.scores.score_clean",),
            gives=_of("extinction.labels", "teff teff_err logg logg_err feh feh_err"),
            models=("labels",),
        ),
        Udf(
            "joined_labels",
            joined_labels,
            takes=(
                "spectra.scores.score_clean",
                "sample.visits.snr_g",
                *_of("stage.labels", "teff teff_err logg logg_err"),
            ),
            gives=_of("extinction.joined_labels", "teff teff_err logg logg_err"),
            models=("joined_labels",),
            parameters=("joined_table_factor",),
            optional=(
                "sample.visits.snr_g",
                *_of("stage.labels", "teff teff_err logg logg_err"),
            ),
        ),
        Udf(
            "dust_contrast",
            dust_contrast,
            takes=(*_of("extinction.labels", "teff logg feh"), *LABEL_ERRORS, *PHOTOMETRY),
            gives=_of("extinction.contrasts", "contrast contrast_err contrast_rv"),
            models=("colours", "coefficients", "bends"),
            parameters=("colour_error_floor",),
            optional=(*_of("extinction.labels", "feh"), *LABEL_ERRORS, *PHOTOMETRY),
        ),
        Udf(
            "extinction",
            extinction,
            takes=(*_of("extinction.labels", "teff logg feh"), *LABEL_ERRORS, *PHOTOMETRY),
            gives=_of("extinction.reddening", "ebv ebv_err a_ks a_ks_err n_colours outside"),
            models=("colours", "coefficients", "bends", "rv_spread"),
            parameters=(
                "colour_error_floor",
                "ebv_error_honest",
                "ebv_colour_error",
                "ebv_dust_error",
            ),
            optional=(*_of("extinction.labels", "feh"), *LABEL_ERRORS, *PHOTOMETRY),
        ),
        Udf(
            "line_sums",
            line_sums,
            takes=(*_of("spectra.normalised", "flux ivar"), "spectra.scores.score_clean"),
            gives=_of("lines.sums", "line_sum line_noise"),
            models=("pca",),
        ),
        Udf(
            "line_strengths",
            line_strengths,
            takes=(*_of("lines.sums", "line_sum line_noise"), "spectra.scores.score_clean"),
            gives=_of("lines.strengths", "line_ew line_ew_err line_z"),
            models=("lines",),
            parameters=("line_doubt",),
        ),
        Udf(
            "peak_separation",
            peak_separation,
            takes=(*_of("spectra.normalised", "flux ivar"), "spectra.scores.score_clean"),
            gives=_of("lines.peaks", "peak_separation peak_separation_err"),
            models=("pca",),
            parameters=("halpha",),
        ),
        Udf(
            "nebula_free_score",
            nebula_free_score,
            takes=_of("spectra.normalised", "flux ivar"),
            gives=_of("lines.nebula_free", "score_full"),
            models=("pca",),
            parameters=("pca_outlier", "pca_max_error", "pca_sweeps"),
        ),
        Udf(
            "spectrum_shifts",
            spectrum_shifts,
            takes=(
                *_of("spectra.normalised", "flux ivar"),
                *_of("visits.kinds", "template fold em_flag"),
            ),
            gives=_of(
                "visits.shifts",
                "shift shift_err shift_blue shift_blue_err shift_red shift_red_err arm_blue arm_red"
                " arm_gain_blue arm_gain_red",
            ),
            models=("templates",),
            rows=ALL,
        ),
        Udf(
            "velocity_error",
            velocity_error,
            takes=_of("visits.shifts", "shift_err"),
            gives=_of("visits.velocities", "rv_err"),
            models=("velocity_errors",),
        ),
        Udf(
            "raw_levels",
            raw_levels,
            takes=_of("raw.spectra", "flux ivar"),
            gives=_of("visits.levels", "arm_step level sky_sum"),
            models=("sky",),
        ),
        Udf(
            "fault_significances",
            fault_significances,
            takes=(
                *_of("visits.levels", "arm_step sky_sum"),
                *_of("reddening.dust", "ebv"),
                *_of("extinction.best_labels", "teff"),
                *_of("sample.visits", "snr_g"),
            ),
            gives=_of("visits.faults", "step_z sky_z"),
            models=("faults",),
            optional=(
                *_of("visits.levels", "arm_step sky_sum"),
                *_of("reddening.dust", "ebv"),
                *_of("extinction.best_labels", "teff"),
            ),
        ),
        Udf(
            "band_terms",
            band_terms,
            takes=_of("extinction.best_labels", "teff logg feh"),
            gives=TERMS,
            models=("intrinsic", "law"),
        ),
        Udf(
            "mixed_extinction",
            mixed_extinction,
            takes=(
                *_of("extinction.best_labels", "teff teff_err logg_err feh_err"),
                *_of("lines.emission", "em_flag halpha_ew"),
                *_of("sample.stars", "ra dec"),
                *ALL_BANDS,
                *TERMS,
            ),
            gives=_of(
                "reddening.dust",
                "ebv ebv_err r_v r_v_err a_ks a_ks_err n_bands chi2 worst worst_z ks_model"
                " ks_model_err excess_j excess_j_err excess_h excess_h_err excess_ks excess_ks_err"
                " r_v_likelihood r_v_likelihood_err",
            ),
            models=("dust",),
            parameters=(
                *("companion_ebv", "companion_ebv_err", "disc_ebv", "disc_ebv_max"),
                "r_v_prior_factor",
                "r_v_likelihood_err_max",
            ),
            optional=(
                *_of("extinction.best_labels", "teff_err logg_err feh_err"),
                *_of("lines.emission", "em_flag halpha_ew"),
                *ALL_BANDS,
            ),
        ),
        Udf(
            "luminosity",
            luminosity,
            takes=(*_of("spectra.scores", "score_clean score_full"), "emission.lines.em_flag"),
            gives=_of("luminosity.magnitudes", "mk beyond_training"),
            models=("luminosity",),
            parameters=(
                *("mk_faint_limit", "mk_bright_limit", "emission_chooses", "clean_share"),
                *("domain_emission_luminous", "domain_networks_apart"),
            ),
            optional=("emission.lines.em_flag",),
        ),
        Udf(
            "domain",
            domain,
            takes=DOMAIN,
            gives=_of(
                "luminosity.domain", "cool_probability cool compact misfit far out_of_domain"
            ),
            models=("domain",),
            parameters=(
                "domain_teff",
                "domain_certainty",
                "domain_logg",
                "domain_logg_nsigma",
                "domain_calcium",
                "domain_calcium_nsigma",
                "model_error",
            ),
            optional=DOMAIN[1:],
        ),
        Udf(
            "spectral_magnitude",
            spectral_magnitude,
            takes=_of("posterior.inputs", "score snr_g fold own_emission ebv teff"),
            gives=(*SAID, *_of("posterior.spectral", "mk_spec mk_likelihood")),
            models=("posterior",),
            optional=_of("posterior.inputs", "own_emission ebv teff"),
        ),
        Udf(
            "posterior_magnitudes",
            posterior_magnitudes,
            takes=(*SAID, *SEEN),
            gives=_of(
                "posterior.magnitudes",
                "mk mk_low mk_high mk_low95 mk_high95 mk_system p_companion p_other",
            ),
            models=("posterior",),
            optional=MAY_LACK,
        ),
        Udf(
            "posterior_distances",
            posterior_distances,
            takes=(*SAID, "posterior.inputs.published_offset", *SEEN),
            gives=_of(
                "posterior.distances",
                "dis dis_median dis_low dis_high dis_low95 dis_high95 logdis logdis_err dis_flat"
                " dis_flat_median dis_flat_low dis_flat_high dis_flat_low95 dis_flat_high95"
                " parallax_offset",
            ),
            models=("posterior",),
            optional=(*MAY_LACK, "posterior.inputs.published_offset"),
        ),
        Udf(
            "mk_error",
            mk_error,
            takes=("sample.visits.snr_g", "emission.lines.em_flag"),
            gives=_of("uncertainty.errors", "mk_err sigma_mea"),
            models=("noise",),
            optional=("emission.lines.em_flag",),
        ),
        Udf(
            "distance",
            distance,
            takes=BOTH_TERMS,
            gives=_of("distance.distances", "dis dis_low dis_high logdis logdis_err edge"),
            parameters=("distance_max", "distance_edge_nsigma"),
            optional=BOTH_TERMS,
        ),
    )
}
