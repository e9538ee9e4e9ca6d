"""After an ingest: which rows belong to a spectrum, what was found,
and no table that belongs to none.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord

from obcat.ingest.errors import IngestError
from obcat.ingest.survey import blocks
from obcat.ingest.tables import ingest_all

N = 6
RA, DEC = 150.0 + 0.5 * np.arange(N), -3.0 + 0.25 * np.arange(N)
SPECIDS = [f"56001-B_1-04-{i:03d}" for i in range(1, N + 1)]


@pytest.fixture
def raw(tmp_path) -> Path:
    """A folder with the headers of six spectra."""
    files = [f"spec-56001-B_1_sp04-{i:03d}.fits" for i in range(1, N + 1)]
    headers = {
        "specid": SPECIDS,
        "obsid": list(range(101, 101 + N)),
        "fitsname": files,
        "ra": RA,
        "dec": DEC,
    }
    (tmp_path / "raw").mkdir()
    pq.write_table(pa.table(headers), tmp_path / "raw" / "headers.parquet")
    return tmp_path / "raw"


def given(raw: Path, **texts: str) -> list[str]:
    """Tables by name, ingested."""
    tables = {}
    for name, text in texts.items():
        (raw.parent / f"{name}.csv").write_text(text)
        tables[name] = (raw.parent / f"{name}.csv", {})
    ingest_all(tables, raw)
    return list(tables)


def rows(header: str, *columns: object) -> str:
    return (
        "\n".join([header, *(",".join(map(str, row)) for row in zip(*columns, strict=True))]) + "\n"
    )


def test_a_block_says_rows_columns_and_what_is_missing(raw):
    ids, dec, parallax = [*range(1, N), 9], [*DEC[:-1], 95], [-999, *RA[:-3] / 99, "", 1]
    text = rows("Source,RA_ICRS,DE_ICRS,Plx,Gmag,rmag", ids, RA, dec, parallax, RA / 10, RA / 10)
    assert blocks(given(raw, gaia_dr2=text), raw) == [
        "gaia_dr2: 6 rows of gaia_dr2.csv, 5 kept (1 rejected: bad_position), 5 belong to a "
        "spectrum; "
        "5 of 6 spectra have one",
        "  columns: source_id = Source, ra = RA_ICRS, dec = DE_ICRS, parallax = Plx, "
        "phot_g_mean_mag = Gmag",
        "  computed: ref_epoch (2015.5)",
        "  not found: parallax_error, pmra, pmra_error, pmdec, pmdec_error, phot_bp_mean_mag, "
        "phot_rp_mean_mag, "
        "phot_bp_mean_flux_over_error, phot_rp_mean_flux_over_error, ruwe",
        "  unknown (NULL): parallax in 2 rows (1 as a number like -9999)",
    ]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("specid", SPECIDS),
        ("specid", [s.replace("-04-00", "-4-") for s in SPECIDS]),
        ("SpecID", [f"spec-56001-B_1_sp04-{i:03d}.fits.gz" for i in range(1, N + 1)]),
        ("fitsname", [f"spec-56001-B_1_sp04-{i:03d}" for i in range(1, N + 1)]),
        ("fitsname", [f"/data/spec-56001-B_1_sp04-{i:03d}.fits.gz" for i in range(1, N + 1)]),
        ("obsid", range(101, 101 + N)),
    ],
)
@pytest.mark.parametrize("source", ["targets", "labels"])
def test_lists_are_found_by_every_name_of_a_spectrum(source, header, values, raw):
    names = given(raw, **{source: rows(f"{header},teff", values, [15000] * N)})
    assert "6 belong to a spectrum; 6 of 6 spectra have one" in blocks(names, raw)[0]


def test_rows_belong_by_the_gaia_source_too(raw):
    gaia = rows("source_id,ra,dec", [11, 12, 13], RA[:3], [DEC[0], DEC[1], 60])
    names = given(raw, gaia_dr3=gaia, labels="source_id,teff\n11,15000\n13,15000\n14,15000\n")
    assert "3 kept, 1 belong to a spectrum" in blocks(names, raw)[-4]


@pytest.mark.parametrize(
    ("ra", "dec", "says"),
    [
        (RA / 15, DEC, "right ascension is in hours"),
        (np.radians(RA), np.radians(DEC), "they are in radians"),
        (DEC + 10, RA - 100, "is it the table of this survey?"),
    ],
)
@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("source", ["gaia_dr2", "xstps", "targets"])
def test_a_table_of_which_nothing_belongs_stops_and_is_taken_back(source, n, ra, dec, says, raw):
    names = given(raw, **{source: rows("source_id,ra,dec", range(1, n + 1), ra[:n], dec[:n])})
    with pytest.raises(IngestError) as caught:
        blocks(names, raw)
    said = str(caught.value)
    assert said.startswith(
        f"tables.{source}: {source}.csv: none of its {n} rows belongs to a spectrum (tried "
    )
    assert says in said
    assert said.endswith("or allow it with --allow-empty")
    assert "\n" not in said
    assert not (raw / f"{source}.parquet").exists()


def test_exchanged_coordinates_are_named(raw):
    names = given(raw, apass=rows("ra,dec,Vmag", DEC + 20, RA - 140, RA / 10))
    headers = pq.read_table(raw / "headers.parquet")
    headers = headers.set_column(3, "ra", pa.array(RA - 140)).set_column(
        4, "dec", pa.array(DEC + 20)
    )
    pq.write_table(headers, raw / "headers.parquet")
    with pytest.raises(IngestError, match="right ascension and declination are exchanged"):
        blocks(names, raw)


def test_what_belongs_to_nothing_may_be_allowed(raw):
    names = given(
        raw, labels="obsid,teff\n7,15000\n", targets="obsid\n101\n", zero_point="g,zp\n12,-0.03\n"
    )
    with pytest.raises(IngestError, match=r"tables.labels: .* \(tried obsid\)"):
        blocks(names, raw)
    names = given(raw, labels="obsid,teff\n7,15000\n", zero_point="g,zp\n12,-0.03\n")
    lines = blocks(names, raw, allow_empty=True)
    assert lines[0].startswith(
        "labels: 1 rows of labels.csv, 1 kept, 0 belong to a spectrum; 0 of 6 spectra have one"
    )
    assert (raw / "labels.parquet").exists()


def test_a_table_without_rows_says_so_and_no_more(raw):
    assert blocks(given(raw, ps1="ra,dec,g\n"), raw)[0] == (
        "ps1: 0 rows of ps1.csv, 0 kept, 0 belong to a spectrum; 0 of 6 spectra have one"
    )


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("galactic", "positions are galactic"),
        ("fk4", "positions are of equinox B1950"),
        ("icrs", "is it the table of this survey"),
    ],
)
def test_positions_of_another_frame_are_told(frame, said, raw):
    moved = 0.01 if frame == "icrs" else 0
    sky = SkyCoord(RA + moved, DEC, unit="deg").transform_to(frame)
    x, y = (sky.l, sky.b) if frame == "galactic" else (sky.ra, sky.dec)
    names = given(raw, ps1=rows("ra,dec,gmag", x.deg, y.deg, [15.0] * N))
    with pytest.raises(IngestError, match=said):
        blocks(names, raw)


@pytest.mark.parametrize("name", ["targets", "gaia_dr2", "twomass", "labels"])
def test_a_table_of_no_row_that_the_catalog_hangs_on_stops(name, raw):
    names = given(raw, **{name: "source_id,specid,ra,dec,teff\n"})
    with pytest.raises(IngestError, match=rf"tables.{name}: {name}.csv: has no rows; or allow"):
        blocks(names, raw)
    given(raw, **{name: "source_id,specid,ra,dec,teff\n"})
    assert "0 rows of" in blocks(names, raw, allow_empty=True)[0]


def test_all_tables_without_a_row_are_named(raw):
    names = given(raw, ps1="ra,dec,g\n1,2,15\n", apass="ra,dec,v\n1,2,15\n")
    with pytest.raises(IngestError, match=r"tables.ps1: .* \(and so tables.apass\); or allow it"):
        blocks(names, raw)


def test_what_the_zero_point_of_dr3_lacks_is_named(raw):
    text = rows(
        "source_id,ra,dec,parallax,phot_g_mean_mag,ecl_lat",
        range(1, N + 1),
        RA,
        DEC,
        RA / 99,
        RA / 10,
        DEC,
    )
    (last,) = [line for line in blocks(given(raw, gaia_dr3=text), raw) if "zero point" in line]
    lacking = "nu_eff_used_in_astrometry, pseudocolour, astrometric_params_solved"
    assert (
        last
        == f"  parallax zero point: unknown without {lacking}, unless tables.zero_point gives one"
    )


def test_bands_of_another_system_are_named(raw):
    lines = blocks(
        given(raw, apass=rows("ra,dec,Vmag,Rmag,Imag", RA, DEC, RA / 10, RA / 10, RA / 10)), raw
    )
    assert "  not taken: Rmag for r, Imag for i" in lines


def test_gaia_sources_alone_name_no_spectrum(raw):
    gaia = rows("source_id,ra,dec", range(1, N + 1), RA, DEC)
    names = given(raw, gaia_dr2=gaia, targets="source_id\n1\n2\n")
    with pytest.raises(
        IngestError, match=r"tables.targets: .* a Gaia source alone names no spectrum; give specid"
    ):
        blocks(names, raw)
