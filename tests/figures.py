"""Figures without their PDFs, which cost more than their PNGs, where nobody opens those."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from obcat.report.figures import image_of


def png_alone(figure: Figure, form: str, metadata: Mapping[str, str | None]) -> bytes:
    """In the place of ``image_of``: a PDF is no more than its first bytes."""
    return image_of(figure, form, metadata) if form == "png" else b"%PDF-"
