"""A cone on the sky in degrees, from numbers, Quantities or a SkyCoord."""

from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord
    from astropy.units import Quantity

__all__ = ["cone_in_degrees"]


def cone_in_degrees(
    ra: "float | Quantity | SkyCoord",
    dec: "float | Quantity",
    radius: "float | Quantity | None" = None,
) -> tuple[float, float, float]:
    """Right ascension, declination and radius; of a SkyCoord, ``dec`` is the radius.

    Raises ValueError where the position is none, or the radius not from 0 to 180 degrees.
    """
    from astropy.coordinates import SkyCoord

    if isinstance(ra, SkyCoord):
        given = [radius, dec] if radius is not None else [dec]
        if len(given) != 1 or not ra.isscalar:
            raise ValueError("give one position and a radius: cone(place, radius)")
        place = ra.icrs
        found = place.ra.deg, place.dec.deg, _degrees("radius", dec)
    elif radius is None:
        raise ValueError("give cone(ra, dec, radius), or cone(place, radius) of a SkyCoord")
    else:
        found = _degrees("ra", ra), _degrees("dec", dec), _degrees("radius", radius)
    return _in_range(*map(float, found))


def _degrees(name: str, angle: Any) -> float:
    """A number is in degrees already."""
    from astropy.units import Quantity, UnitConversionError

    try:
        return float(angle.to_value("deg") if isinstance(angle, Quantity) else angle)
    except (TypeError, ValueError, UnitConversionError) as error:
        raise ValueError(f"{name}: {angle!r} is no angle; give degrees or a Quantity") from error


def _in_range(ra: float, dec: float, radius: float) -> tuple[float, float, float]:
    if not isfinite(ra):
        raise ValueError(f"ra is {ra}; it must be a number of degrees")
    if not -90 <= dec <= 90:
        raise ValueError(f"dec is {dec}; it must be from -90 to 90 degrees")
    if not 0 <= radius <= 180:
        raise ValueError(f"radius is {radius}; it must be from 0 to 180 degrees")
    return ra, dec, radius
