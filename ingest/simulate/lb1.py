"""LB-1: a Be star and a stripped star of like light, at its real place, in every survey (Shenar et al. 2020)."""

import numpy as np

from obcat.ingest.simulate import galaxy
from obcat.ingest.simulate.binaries import FIRST_BAND, Binaries, Companion, single
from obcat.ingest.simulate.orbits import Orbit
from obcat.ingest.simulate.outsiders import atmosphere
from obcat.ingest.simulate.stars import Stars

__all__ = ["LB1_DEC", "LB1_G", "LB1_RA", "LB1_VISITS", "LB1_VSINI", "lb1"]

LB1_RA, LB1_DEC, LB1_G, LB1_EBV, LB1_VISITS = 92.95450, 22.82575, 11.5, 0.55, 12
LB1_VSINI = 7.0  # km/s, of the stripped star (El-Badry & Quataert 2020)
STRIPPED, BE_STAR = (1.5, 12_700.0, 3.0), (7.0, 18_000.0, 4.0)  # solar masses, K, log g
PERIOD, SEMI_AMPLITUDE, PHASE = 78.9, 52.8, 0.25  # d, km/s of the stripped star (Liu et al. 2019); turns, chosen
DISTANCE, LOG_AGE = 2.0, 7.7  # kpc, before it is put where G is right; of a star of 7 solar masses near its end


def lb1() -> Stars:
    """One row: the stripped star is the primary, whose lines move, the Be star its companion, on a circular orbit."""
    primary, companion = (
        atmosphere(*(np.array([v]) for v in (m, np.log10(teff), logg))) for m, teff, logg in (STRIPPED, BE_STAR)
    )
    one = np.ones(1)
    orbit = Orbit(np.log10(PERIOD) * one, 0 * one, 0 * one, PHASE * one, SEMI_AMPLITUDE * one)
    light = 10 ** (-0.4 * companion[:, FIRST_BAND:])
    pair = Binaries(Companion(BE_STAR[0] / STRIPPED[0] * one, companion, light, orbit), single(1).third)
    glon, glat = (np.array([v]) for v in galaxy.galactic(LB1_RA, LB1_DEC))
    place = glon, glat, DISTANCE * one, LB1_EBV * one
    return Stars(primary, np.array(["star"]), 0 * one, LOG_AGE * one, 0 * one, pair, *place)
