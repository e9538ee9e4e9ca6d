"""The archives' tables and files from a simulated survey,
under the archives' names for tables and columns.
"""

import re
from pathlib import Path

import pyarrow as pa

from obcat.ingest.tables.read import read_table
from tests.fetch.archives import Archives

TWOMASS = {
    "designation": "2MASS", "ra": "RAJ2000", "dec": "DEJ2000", "j_m": "Jmag", "j_msigcom": "e_Jmag",
    "h_m": "Hmag", "h_msigcom": "e_Hmag", "k_m": "Kmag", "k_msigcom": "e_Kmag", "ph_qual": "Qflg",
}  # fmt: skip
PS1 = [f"{error}{band}mag" for band in "gri" for error in ("", "e_")]
TABLES = {
    "J/ApJS/241/32/table3": "targets.csv",
    "gaiadr2.gaia_source": "gaia_dr2.fits",
    "II/246/out": "twomass.csv",
    "II/336/apass9": "apass.vot",
    "J/A+A/662/A66/table1": "labels.fits",
}
G_SNR = "phot_g_mean_flux_over_error"
NUMBERS = re.compile(r"-?\d+(\.\d+)?")


def archives_of(survey: Path, positions: pa.Table) -> Archives:
    """``positions``: specid, ra, dec and obsid of the spectra,
    for the archives that list positions.
    """
    tables = {}
    for theirs, file in TABLES.items():
        table, units = read_table(survey / file)
        tables[theirs] = typed(table), units
    tables["J/A+A/662/A66/table1"] = placed(*tables["J/A+A/662/A66/table1"], positions)
    table, units = tables["II/246/out"]
    tables["II/246/out"] = (
        table.rename_columns([TWOMASS.get(n, n) for n in table.column_names]),
        units,
    )
    gaia, units = tables["gaiadr2.gaia_source"]
    tables |= joined(gaia, units)
    number = pa.array([], pa.float64())
    tables["II/349/ps1"] = pa.table(dict.fromkeys(("RAJ2000", "DEJ2000", *PS1), number)), {}
    spectra = {path.name: path for path in (survey / "spectra").rglob("*.gz")}
    by_name = {
        path.name.removeprefix("spec-").removesuffix(".fits.gz").replace("_sp", "-"): path
        for path in spectra.values()
    }
    rows = zip(positions["specid"].to_pylist(), positions["obsid"].to_pylist(), strict=True)
    return Archives(tables, spectra | {str(obsid): by_name[specid] for specid, obsid in rows})


def typed(table: pa.Table) -> pa.Table:
    """Columns of CSV files as numbers where every value is one, and no name is meant."""
    for i, name in enumerate(table.column_names):
        column = table[name]
        values = [v for v in column.to_pylist() if v] if pa.types.is_string(column.type) else []
        if (
            values
            and name not in ("specid", "name", "designation")
            and all(NUMBERS.fullmatch(v) for v in values)
        ):
            numbers = [float(v) if v else None for v in column.to_pylist()]
            table = table.set_column(i, name, pa.array(numbers, pa.float64()))
    return table


def placed(
    labels: pa.Table, units: dict[str, str], positions: pa.Table
) -> tuple[pa.Table, dict[str, str]]:
    """Labels with the positions of their spectra, as a catalog at CDS has them."""
    where = {
        s: (r, d)
        for s, r, d in zip(
            *(positions[n].to_pylist() for n in ("specid", "ra", "dec")), strict=True
        )
    }
    found = [where[s] for s in labels["specid"].to_pylist()]
    for i, name in enumerate(("RAJ2000", "DEJ2000")):
        labels = labels.append_column(name, pa.array([f[i] for f in found], pa.float64()))
    return labels, units | {"RAJ2000": "deg", "DEJ2000": "deg"}


def joined(gaia: pa.Table, units: dict[str, str]) -> dict[str, tuple[pa.Table, dict[str, str]]]:
    """gaia_source without RUWE, the table of RUWE, and an empty cross-match with 2MASS."""
    source = gaia.drop_columns(["ruwe"])
    if G_SNR not in source.column_names:
        source = source.append_column(G_SNR, pa.array([None] * gaia.num_rows, pa.float64()))
    no_number, no_text = pa.array([], pa.float64()), pa.array([], pa.string())
    neighbour = {"source_id": pa.array([], pa.int64()), "tmass_oid": pa.array([], pa.int64())}
    neighbour |= {"angular_distance": no_number, "number_of_mates": pa.array([], pa.int32())}
    twomass = {"tmass_oid": pa.array([], pa.int64()), "designation": no_text, "ph_qual": no_text}
    twomass |= {
        f"{band}_{what}": no_number for band in ("j", "h", "ks") for what in ("m", "msigcom")
    }
    return {
        "gaiadr2.gaia_source": (source, units),
        "gaiadr2.ruwe": (gaia.select(["source_id", "ruwe"]), {}),
        "gaiadr2.tmass_best_neighbour": (pa.table(neighbour), {}),
        "gaiadr1.tmass_original_valid": (pa.table(twomass), {}),
    }
