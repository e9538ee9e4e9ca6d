"""Cautions: what limits an estimate from a spectrum, in words, one text a spectrum.

Words for the reasons that a catalog keeps as bits (``meta.quality_bits``). That a star is unlike
those that the estimate was checked on does not say that it is wrong, and is said in other words.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOTHING", "in_words"]

Flags = NDArray[np.bool_]

NOTHING = ""  # what is said of a spectrum without a caution
UNCHECKED = "the estimate was not checked on such stars"


def in_words(found: Mapping[str, NDArray[Any]], *, limit: float, teff: float) -> list[str]:
    """The cautions of n spectra, joined by semicolons; NOTHING where there are none.

    Parameters
    ----------
    found : (n,) columns that ``steps.estimates`` gives, as float with NaN for what is unknown, and
        z and is_other as they were given
    limit : mag, M fainter than which was not checked
    teff : K, below which a star is none of O and B
    """
    said = _texts(found, limit, teff)
    rows = zip(*(flags for flags, _ in said), strict=True)
    texts = [text for _, text in said]
    return ["; ".join(text for flag, text in zip(row, texts, strict=True) if flag) for row in rows]


def _texts(found: Mapping[str, NDArray[Any]], limit: float, teff: float) -> list[tuple[Flags, str]]:
    def is_set(name: str) -> Flags:
        return np.asarray(found[name] == 1)

    no_rest_frame, known = np.isnan(found["z"]), ~np.isnan(found["mk"])
    beyond, faint = is_set("beyond_training"), found["mk"] > limit
    masked = ~known & ~no_rest_frame & np.isnan(found["em_flag"])
    return [
        (no_rest_frame, "no redshift of a star, so no estimate"),
        (masked, "too many masked pixels for an estimate"),
        (~known & ~no_rest_frame & ~masked, "no M: no network for such a spectrum"),
        (is_set("erroneous"), "cannot be reconstructed: an artefact, or a star of another kind"),
        (is_set("is_other"), "called an F to M star, a galaxy or a quasar by its header"),
        (is_set("cool"), f"Teff below {teff:g} K, or Ca II K of an A star or later"),
        (is_set("compact"), "gravity above the main sequence: a subdwarf or white dwarf"),
        (is_set("misfit"), "fitted worse than nearly all ordinary stars of its S/N"),
        (
            beyond & ~faint,
            f"brighter than nearly all known stars that it was tried on: {UNCHECKED}",
        ),
        (beyond & faint, f"fainter than M = {limit:g}: {UNCHECKED}"),
        (is_set("far"), f"unlike the stars that trained: {UNCHECKED}"),
        (known & np.isnan(found["snr_g"]), "S/N unknown, so no error of M"),
    ]
