"""The one place where numpy kernels meet DuckDB.

A row of ``UDFS`` is all there is to a UDF: its kernel, the declared columns it takes and gives (so
types and units are on record), the models whose arrays and the parameters whose values it is handed
by keyword.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np
import pyarrow as pa

from obcat.arrow import exact_array
from obcat.kernels.continuum import rest_frame_normalised
from obcat.kernels.distance import distance
from obcat.kernels.emission import emission
from obcat.kernels.extinction import extinction
from obcat.kernels.labels import predict_labels
from obcat.kernels.luminosity import luminosity, mk_error
from obcat.kernels.pca import pca_scores
from obcat.kernels.posterior import posterior_distances, posterior_magnitudes
from obcat.kernels.spectral import spectral_magnitude
from obcat.schema import Column, column

__all__ = ["UDFS", "Udf", "batch_function"]

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Udf:
    """``optional``: the kernel gets NaN for a NULL in these columns;
    a NULL in another makes the whole answer NULL.
    """

    name: str
    kernel: Callable[..., Any]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    models: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

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
    "b b_err v v_err g g_err r r_err i i_err bp bp_err rp rp_err j j_err h h_err",
)
BOTH_TERMS = (
    *_of("luminosity.magnitudes", "mk"),
    *_of("uncertainty.errors", "mk_err"),
    *_of("sample.stars", "ks ks_err"),
    *_of("extinction.reddening", "a_ks a_ks_err"),
    *_of("sample.stars", "parallax_corrected parallax_error"),
)
SEEN = (
    *_of("posterior.spectral", "mk_spec spec_sigma companion_logit"),
    *_of("posterior.inputs", "ks0 ks0_err ebv parallax_corrected parallax_error"),
    *_of("posterior.inputs", "g_gaia ruwe glon glat"),
)
MAY_LACK = _of("posterior.inputs", "ebv parallax_corrected parallax_error g_gaia ruwe")

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
            "pca_scores",
            pca_scores,
            takes=_of("spectra.normalised", "flux ivar"),
            gives=_of("spectra.scores", "score_clean score_full"),
            models=("pca",),
            parameters=("pca_outlier", "pca_max_masked", "pca_sweeps"),
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
            parameters=("halpha", "halpha_halfwidth", "halpha_chi2_halfwidth", "erroneous_chi2"),
        ),
        Udf(
            "predict_labels",
            predict_labels,
            takes=("spectra.scores.score_clean",),
            gives=_of("extinction.labels", "teff teff_err logg logg_err feh feh_err"),
            models=("labels",),
        ),
        Udf(
            "extinction",
            extinction,
            takes=(*_of("extinction.labels", "teff logg feh"), *PHOTOMETRY),
            gives=_of("extinction.reddening", "ebv ebv_err a_ks a_ks_err n_colours outside"),
            models=("colours", "coefficients"),
            parameters=("colour_error_floor",),
            optional=(*_of("extinction.labels", "feh"), *PHOTOMETRY),
        ),
        Udf(
            "luminosity",
            luminosity,
            takes=(*_of("spectra.scores", "score_clean score_full"), "emission.lines.em_flag"),
            gives=_of("luminosity.magnitudes", "mk out_of_domain"),
            models=("luminosity",),
            parameters=("mk_faint_limit",),
        ),
        Udf(
            "spectral_magnitude",
            spectral_magnitude,
            takes=_of("posterior.inputs", "score snr_g fold"),
            gives=_of("posterior.spectral", "mk_spec spec_sigma companion_logit mk_likelihood"),
            models=("posterior",),
        ),
        Udf(
            "posterior_magnitudes",
            posterior_magnitudes,
            takes=SEEN,
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
            takes=(*SEEN, "posterior.inputs.published_offset"),
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


def batch_function(
    udf: Udf, models: Mapping[str, Arrays], parameters: Mapping[str, Any]
) -> Callable[..., pa.Array]:
    """The UDF as a function of Arrow columns that gives a struct column, one field a column given.

    NULL and NaN out are NULL. A batch of one row is doubled: BLAS sums one row in another order
    than several.
    """
    wanted = signature(udf.kernel).parameters
    takes_all = any(p.kind is Parameter.VAR_KEYWORD for p in wanted.values())
    made = [item for model in udf.models for item in models[model].items()]
    arrays = {name: array for name, array in made if takes_all or name in wanted}
    kernel = partial(udf.kernel, **arrays, **{name: parameters[name] for name in udf.parameters})

    def call(*columns: pa.ChunkedArray | pa.Array) -> pa.StructArray:
        whole = [c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in columns]
        known = np.ones(len(whole[0]), bool)
        for name, c in zip(udf.takes, whole, strict=True):
            if name not in udf.optional:
                known &= c.is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(known)
        if not len(rows):
            fields = [pa.nulls(len(known), c.arrow_type) for c in udf.given]
            return pa.StructArray.from_arrays(fields, [c.column for c in udf.given])
        taken = [exact_array(c if known.all() else c.take(pa.array(rows))) for c in whole]
        if len(rows) == 1:
            taken = [np.repeat(a, 2, axis=0) for a in taken]
        out = kernel(*taken)
        fields = [_to_arrow(o[: len(rows)], known, c) for o, c in zip(out, udf.given, strict=True)]
        return pa.StructArray.from_arrays(fields, [c.column for c in udf.given])

    # DuckDB counts parameters, and counts *columns as one.
    counted: Any = call
    counted.__signature__ = Signature(
        [Parameter(f"x{i}", Parameter.POSITIONAL_ONLY) for i in range(len(udf.takes))]
    )
    return counted


def _to_arrow(values: np.ndarray, known: np.ndarray, c: Column) -> pa.Array:
    """Values of the known rows -> column of all rows; unknown rows and rows with a NaN are NULL."""
    finite = np.isfinite(values) if values.ndim == 1 else np.isfinite(values).all(axis=1)
    valid = known.copy()
    valid[known] = finite
    if values.ndim == 1:
        full = np.zeros(len(known), np.float64)
        full[valid] = values[finite]
        return pa.array(full, mask=~valid).cast(c.arrow_type)
    wide = np.zeros((len(known), values.shape[1]), np.float32)
    wide[valid] = values[finite]
    return pa.FixedSizeListArray.from_arrays(pa.array(wide.ravel()), c.size, mask=pa.array(~valid))
