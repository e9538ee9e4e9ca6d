"""Faults of catalog tables (rows, ids, units, sentinels, files):
each stops, costs its row, or is counted.
"""

import gzip
import random
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from obcat.ingest.errors import IngestError
from obcat.ingest.sources import SOURCES
from obcat.ingest.tables import ingest, ingest_all
from obcat.ingest.tables.read import read_table
from obcat.ingest.tables.store import provenance, sentinels
from obcat.schema import columns_of

BANDS = [
    c for t in ("twomass", "xstps", "apass") for c in columns_of(f"raw.{t}") if c.unit == "mag"
]


def run(
    tmp_path: Path, source: str, text: str, **columns: str
) -> tuple[dict[str, int], pa.Table, pa.Table]:
    path, out = tmp_path / "t.csv", tmp_path / "raw"
    path.write_text(text, encoding="utf-8")
    counts = ingest_all({source: (path, columns)}, out)[source]
    return (
        counts,
        pq.read_table(out / f"{source}.parquet"),
        pq.read_table(out / "rejected_rows.parquet"),
    )


def stops(tmp_path: Path, source: str, text: str, **columns: str) -> str:
    with pytest.raises(IngestError) as caught:
        run(tmp_path, source, text, **columns)
    message = str(caught.value)
    assert message.startswith("t.csv: ")
    assert "\n" not in message
    assert not (tmp_path / "raw" / f"{source}.parquet").exists()
    return message


def gaia(*rows: str, header: str = "source_id,ra,dec") -> str:
    return "\n".join([header, *rows]) + "\n"


# positions


@pytest.mark.parametrize(
    ("ra", "dec", "kept"),
    [
        ("0", "0", 0.0),
        ("359.9999999", "90", 359.9999999),
        ("10", "-90", 10.0),
        ("360.0", "5", 0.0),
        *((ra, "5", None) for ra in ("-0.1", "360.0001", "400", "nan", "", "inf")),
        *(("10", dec, None) for dec in ("90.0001", "91", "-91", "NULL")),
        *((both, both, None) for both in ("-9999", "nan", "")),
    ],
)
@pytest.mark.parametrize("source", ["gaia_dr2", "twomass", "xstps", "apass"])
def test_positions(source, ra, dec, kept, tmp_path):
    counts, table, rejected = run(
        tmp_path,
        source,
        f"source_id,designation,ra,dec\n7,00000000+0000000,50,50\n8,00000001+0000000,{ra},{dec}\n",
    )
    assert table["ra"].to_pylist() == ([50.0] if kept is None else [50.0, kept])
    assert counts["rejected"] == (kept is None)
    assert rejected.select(["source", "row", "reason"]).to_pylist() == (
        [{"source": source, "row": 1, "reason": "bad_position"}] if kept is None else []
    )


def test_rejected_rows_say_what_was_found(tmp_path):
    _, _, rejected = run(tmp_path, "gaia_dr2", gaia("1,10,20", "2,10,-91"))
    assert rejected["detail"].to_pylist() == ["ra 10.0, dec -91.0"]


def test_targets_may_have_no_position_but_not_a_wrong_one(tmp_path):
    counts, table, rejected = run(
        tmp_path, "targets", "specid,ra,dec\na,,\nb,10,20\nc,400,20\nd,10,\n,,\n"
    )
    assert table["specid"].to_pylist() == ["a", "b"]
    assert rejected["reason"].to_pylist() == ["bad_position", "bad_position", "no_identifier"]
    assert (
        counts["rows_read"]
        == counts["rows"] + counts["rejected"] + counts["merged"] + counts["passed_over"]
        == 5
    )


def test_radians_without_a_unit_stop(tmp_path):
    rows = [
        f"{2**60 + i},{np.radians(i * 3 % 360):.6f},{np.radians(i % 80 - 40):.6f}"
        for i in range(1, 120)
    ]
    assert "looks like radians" in stops(tmp_path, "gaia_dr2", gaia(*rows))
    _, table, _ = run(tmp_path, "gaia_dr2", gaia(*rows), ra="ra [rad]", dec="dec [rad]")
    assert table["ra"].to_pylist()[:2] == pytest.approx([3, 6], abs=1e-4)


def test_hours_without_a_unit_stop(tmp_path):
    rows = [f"{2**60 + i},{i * 3 % 360 / 15:.6f},{i % 80 - 40}" for i in range(1, 120)]
    assert "looks like hours" in stops(tmp_path, "gaia_dr2", gaia(*rows))
    _, table, _ = run(tmp_path, "gaia_dr2", gaia(*rows), ra="ra [hourangle]")
    assert table["ra"].to_pylist()[:2] == pytest.approx([3, 6], abs=1e-4)


def test_a_field_at_the_origin_can_be_stated_to_be_in_degrees(tmp_path):
    rows = [f"{2**60 + 128 * i},{i / 100},{i / 100 - 1}" for i in range(1, 120)]
    counts, _, _ = run(tmp_path, "gaia_dr2", gaia(*rows), ra="ra [deg]", dec="dec [deg]")
    assert counts["rows"] == 119


def test_swapped_positions_stop(tmp_path):
    rows = [f"{i},{i % 60 - 30},{i * 3 % 360}" for i in range(1, 120)]
    assert "ra and dec in degrees and not swapped?" in stops(tmp_path, "gaia_dr2", gaia(*rows))


def test_not_a_number_in_fits_is_no_position(tmp_path):
    table = Table({"obsid": [1, 0, 0], "ra": [np.nan, np.nan, 5.0], "dec": [np.nan, np.nan, 6.0]})
    table.write(tmp_path / "t.fits")
    ingest("targets", tmp_path / "t.fits", tmp_path / "raw", columns={})
    assert pq.read_table(tmp_path / "raw" / "targets.parquet")["obsid"].to_pylist() == [1, 0]
    rejected = pq.read_table(tmp_path / "raw" / "rejected" / "targets.parquet")
    assert rejected.select(["row", "reason"]).to_pylist() == [{"row": 1, "reason": "no_identifier"}]


# duplicates


def test_identical_rows_are_merged_and_counted(tmp_path):
    text = gaia(
        "1,10,20,0.5", "2,11,20,", "1,10,20,0.5", "2,11,20,", header="source_id,ra,dec,parallax"
    )
    counts, table, _ = run(tmp_path, "gaia_dr2", text)
    assert (table["source_id"].to_pylist(), counts["merged"]) == ([1, 2], 2)


@pytest.mark.parametrize(
    ("source", "text", "named"),
    [
        (
            "gaia_dr2",
            "source_id,ra,dec,parallax\n7,10,20,.5\n9,10,20,.5\n7,10,20,.6\n",
            "1 source_id with rows .*: 7;",
        ),
        ("gaia_dr2", "source_id,ra,dec,parallax\n7,10,20,.5\n7,10,20,\n", ": 7;"),
        (
            "twomass",
            "designation,ra,dec,source_id,ks_m\nA,1,2,1,9\nA,1,2,2,9.1\nB,1,2,2,9.1\n",
            "designation.*: A;",
        ),
        ("twomass", "designation,ra,dec,ks_m\nA,1,2,9\nA,1,3,9\n", "designation.*: A;"),
        ("labels", "obsid,teff\n5,20000\n5,21000\n", "obsid.*: 5;"),
        ("labels", "specid,teff\nx,20000\nx,21000\n", "specid.*: x;"),
        ("targets", "specid,ra,dec\nx,1,2\nx,1,3\n", "specid.*: x;"),
    ],
)
def test_conflicting_rows_stop_and_name_the_ids(source, text, named, tmp_path):
    assert re.search(named, stops(tmp_path, source, text))


def test_impossible_obsids_are_no_key(tmp_path):
    counts, _, _ = run(
        tmp_path,
        "labels",
        "obsid,ra,dec,teff\n0,1,1,20000\n0,2,2,21000\n-1,3,3,9000\n-1,4,4,9100\n",
    )
    assert counts["rows"] == 4


@pytest.mark.parametrize("bad", ["0", "-1", "-9999", "", "NULL"])
def test_a_gaia_row_without_an_id_is_rejected(bad, tmp_path):
    _, table, rejected = run(tmp_path, "gaia_dr2", gaia("1,10,20", f"{bad},11,20"))
    assert (table["source_id"].to_pylist(), rejected["reason"].to_pylist()) == (
        [1],
        ["no_identifier"],
    )


# ids


@pytest.mark.parametrize("column", ["source_id", "obsid"])
@pytest.mark.parametrize("name", ["t.fits", "t.vot", "t.parquet"])
def test_ids_as_float_stop(name, column, tmp_path):
    table = Table({"source_id": [1, 2], "obsid": [1, 2], "ra": [1.0, 2], "dec": [1.0, 2]})
    table[column] = table[column].astype(float)
    table.write(tmp_path / name, **({"format": "votable"} if name == "t.vot" else {}))
    with pytest.raises(
        IngestError, match=f"{name}: column '{column}': an id must not be a float"
    ) as caught:
        ingest("targets", tmp_path / name, tmp_path / "raw", columns={})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["3702547021547354752.0", "3.702547021547355e18", "37O2", "1e5", "0x10", "1,5"]
)
def test_ids_as_decimal_text_stop(text, tmp_path):
    quoted = f'"{text}"'
    assert "is not an integer id" in stops(tmp_path, "gaia_dr2", gaia("1,10,20", f"{quoted},11,20"))


def test_ids_beyond_64_bits_stop(tmp_path):
    assert "does not fit in 64 bits" in stops(
        tmp_path, "gaia_dr2", gaia("9223372036854775808,10,20")
    )
    pq.write_table(
        pa.table({"source_id": pa.array([2**64 - 1], pa.uint64()), "ra": [1.0], "dec": [1.0]}),
        tmp_path / "u.parquet",
    )
    with pytest.raises(IngestError, match="does not fit in 64 bits"):
        ingest("gaia_dr2", tmp_path / "u.parquet", tmp_path / "raw", columns={})


def test_unsigned_ids_that_fit_are_exact(tmp_path):
    ids = pa.array([2**63 - 1, None], pa.uint64())
    pq.write_table(pa.table({"source_id": ids, "obsid": [1, 2]}), tmp_path / "u.parquet")
    ingest("targets", tmp_path / "u.parquet", tmp_path / "raw", columns={})
    assert pq.read_table(tmp_path / "raw" / "targets.parquet")["source_id"].to_pylist() == [
        2**63 - 1,
        None,
    ]


def test_tables_of_gaia_dr3_stop(tmp_path):
    text = gaia("1,10,20,2016.0", header="source_id,ra,dec,ref_epoch")
    assert "Gaia (E)DR3" in stops(tmp_path, "gaia_dr2", text)


def test_gaia_designations_are_not_those_of_2mass(tmp_path):
    assert "designation is Gaia's" in stops(
        tmp_path, "twomass", "designation,ra,dec\nGaia DR2 5,10,20\n"
    )


# sentinels


@pytest.mark.parametrize("text", ["", "NULL", "null", "--", "nan", "NaN", " ", "N/A", "None"])
def test_text_that_says_missing_is_null_in_numbers_ids_and_text(text, tmp_path):
    _, table, _ = run(
        tmp_path,
        "twomass",
        f"designation,ra,dec,source_id,ks_m,ph_qual\nA,1,2,5,9.5,AAA\nB,1,2,{text},{text},{text}\n",
    )
    assert [table[c][1].as_py() for c in ("source_id", "ks_m", "ph_qual")] == [None, None, None]
    assert table["ks_m"].to_pylist() == [9.5, None]


@pytest.mark.parametrize("column", BANDS, ids=lambda c: f"{c.table}.{c.column}")
def test_numeric_sentinels_of_every_magnitude_stay_for_the_stage(column, tmp_path):
    values = [-9999, 99.999, 999, 99, *sentinels(column)]
    rows = "".join(f"A{i},{i + 1},2,{v}\n" for i, v in enumerate(values))
    _, table, _ = run(
        tmp_path, column.table.partition(".")[2], f"designation,ra,dec,{column.column}\n{rows}"
    )
    assert table[column.column].to_pylist() == values


@pytest.mark.parametrize("column", BANDS, ids=lambda c: f"{c.table}.{c.column}")
def test_an_unknown_sentinel_in_any_magnitude_stops(column, tmp_path):
    text = f"designation,ra,dec,{column.column}\nA,1,2,0.1\nB,1,2,88.888\nC,1,2,88.888\n"
    said = stops(tmp_path, column.table.partition(".")[2], text)
    assert (
        f"column '{column.column}': 88.888 (2 such rows) is neither a possible {column.column}"
        in said
    )


def test_sentinels_stored_in_32_bits_are_known(tmp_path):
    Table({"ra": [1.0], "dec": [2.0], "g": np.array([99.999], np.float32)}).write(
        tmp_path / "x.fits"
    )
    assert ingest("xstps", tmp_path / "x.fits", tmp_path / "raw", columns={})["rows"] == 1


def test_sentinels_are_not_converted(tmp_path):
    _, table, _ = run(tmp_path, "xstps", "ra,dec,g\n1,2,15000\n3,4,99.999\n", g="g [mmag]")
    assert table["g"].to_pylist() == pytest.approx([15, 99.999])


def test_labels_without_a_temperature_stay(tmp_path):
    counts, table, _ = run(tmp_path, "labels", "obsid,teff,logg\n1,,4\n2,-9999,4\n")
    assert (counts["rejected"], table["teff"].to_pylist()) == (0, [None, -9999])


def test_infinite_values_cost_their_row(tmp_path):
    _, table, rejected = run(tmp_path, "xstps", "ra,dec,g\n1,2,15\n3,4,inf\n")
    assert (table.num_rows, rejected["reason"].to_pylist()) == (1, ["not_finite"])


def test_text_in_a_column_of_numbers_stops(tmp_path):
    assert "column 'dec': '+12 30 15' is not a number (1 such rows)" in stops(
        tmp_path, "gaia_dr2", gaia("1,10,20", "2,10,+12 30 15")
    )


# units


def fits_with_unit(tmp_path, unit, column="parallax", values=(0.5, 0.7)) -> Path:
    columns = [
        fits.Column("source_id", "K", array=[1, 2]),
        fits.Column("ra", "D", unit="deg", array=[1, 2]),
    ]
    columns += [
        fits.Column("dec", "D", unit="deg", array=[1, 2]),
        fits.Column(column, "D", unit=unit, array=values),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "u.fits", overwrite=True)
    return tmp_path / "u.fits"


@pytest.mark.parametrize("unit", ["kpc", "mag", "mas/yr", "K"])
def test_units_that_do_not_convert_stop(unit, tmp_path):
    with pytest.raises(
        IngestError, match=f"u.fits: column 'parallax': unit '{unit}' cannot become 'mas'; .*TOML"
    ):
        ingest("gaia_dr2", fits_with_unit(tmp_path, unit), tmp_path / "raw", columns={})


def test_units_nobody_knows_stop(tmp_path):
    with pytest.raises(IngestError, match="unit 'furlong' is not known"):
        ingest("gaia_dr2", fits_with_unit(tmp_path, "furlong"), tmp_path / "raw", columns={})


def test_a_unit_stated_in_the_survey_wins(tmp_path):
    path = fits_with_unit(tmp_path, "furlong", values=(0.5, 0.7))
    ingest("gaia_dr2", path, tmp_path / "raw", columns={"parallax": "parallax [arcsec]"})
    assert pq.read_table(tmp_path / "raw" / "gaia_dr2.parquet")[
        "parallax"
    ].to_pylist() == pytest.approx([500, 700])


def test_a_flux_is_not_a_flux_over_error(tmp_path):
    path = fits_with_unit(tmp_path, "electron/s", "phot_bp_mean_flux")
    with pytest.raises(
        IngestError, match=r"has the unit 'electron/s' where a number without unit is meant"
    ):
        ingest(
            "gaia_dr2",
            path,
            tmp_path / "raw",
            columns={"phot_bp_mean_flux_over_error": "phot_bp_mean_flux"},
        )


@pytest.mark.parametrize(
    ("source", "column", "value"),
    [
        ("gaia_dr2", "parallax_error", 4e-5),  # arcsec
        ("gaia_dr2", "parallax_error", 40.0),  # microarcsec
        ("gaia_dr2", "pmra_error", 6e-5),
        ("labels", "teff", 4.2e3 * 100),
        ("labels", "logg", 14.0),
        ("apass", "v", 32.0),
    ],
)
def test_medians_betray_a_wrong_unit(source, column, value, tmp_path):
    rows = "".join(f"{i},{i},{i * 7},{i * 3},{value * (1 + i / 1000)},9000\n" for i in range(1, 21))
    teff = "other" if column == "teff" else "teff"
    said = stops(tmp_path, source, f"source_id,obsid,ra,dec,{column},{teff}\n{rows}")
    assert f"column '{column}': median" in said


def test_log_temperatures_stop(tmp_path):
    assert "4.2 (1 such rows) is neither a possible teff" in stops(
        tmp_path, "labels", "obsid,teff\n1,4.2\n"
    )


def test_zero_points_in_microarcsec_stop(tmp_path):
    text = "G,zp\n6,-0.05\n12,-0.03\n18,\n"
    _, table, rejected = run(tmp_path, "zero_point", text)
    assert table.to_pydict() == {"g": [6, 12], "parallax_offset": [-0.05, -0.03]}
    assert rejected["detail"].to_pylist() == ["g 18.0, parallax_offset None"]
    (tmp_path / "raw" / "zero_point.parquet").unlink()
    assert "neither a possible parallax_offset" in stops(tmp_path, "zero_point", "G,zp\n6,-52.3\n")
    assert "contradict each other: 6.0" in stops(tmp_path, "zero_point", "G,zp\n6,-0.05\n6,-0.04\n")


# columns


@pytest.mark.parametrize(
    ("source", "header", "says"),
    [
        (
            "gaia_dr2",
            "source_id,ra,declination",
            r"no column for dec \(tried dec, .*TOML: columns = \{ dec = ",
        ),
        ("gaia_dr2", "ra,dec", "no column for source_id"),
        ("twomass", "ra,designation", "no column for dec"),
        ("apass", "dec,v", "no column for ra"),
        ("labels", "obsid,logg", "no column for teff"),
        ("labels", "teff,logg", "needed is one of specid, obsid, source_id, ra \\+ dec"),
        ("targets", "name,ra", "needed is one of specid, obsid, fitsname"),
        ("apass", "ra,dec,Vmag,vMAG,VMAG,vmag", None),
    ],
)
def test_missing_columns_stop(source, header, says, tmp_path):
    text = f"{header}\n{','.join('1' * (header.count(',') + 1))}\n"
    if says is None:
        assert run(tmp_path, source, text)[0]["rows"] == 1
    else:
        assert re.search(says, stops(tmp_path, source, text))


def test_names_that_differ_in_case_only_stop(tmp_path):
    said = stops(tmp_path, "gaia_dr2", "source_id,ra,dec,PARALLAX,Parallax\n1,2,3,4,5\n")
    assert "['PARALLAX', 'Parallax'] differ in case only" in said


def test_unknown_columns_in_the_mapping_stop_with_the_nearest(tmp_path):
    text = "source_id,ra,dec,plx\n1,2,3,4\n"
    assert "columns.paralax: gaia_dr2 has no such column; did you mean 'parallax'?" in stops(
        tmp_path, "gaia_dr2", text, paralax="plx"
    )
    assert "columns.parallax: the file has no column 'plxx'; did you mean 'plx'?" in stops(
        tmp_path, "gaia_dr2", text, parallax="plxx"
    )


def test_unknown_sources_stop_with_the_nearest(tmp_path):
    with pytest.raises(IngestError, match=r"tables.gaia: no such table; did you mean 'gaia_dr3'\?"):
        ingest("gaia", tmp_path / "x", tmp_path, columns={})


# text


def test_text_is_stripped_of_blanks_control_characters_and_formulas(tmp_path):
    names = ["=cmd|' /C calc'!A0", "+1", "@x", "a\x07b\x1b[31m", "  LB-1 ", "α Ori", '"q"']
    rows = "".join(f'{i + 1},"{n.replace(chr(34), chr(34) * 2)}"\n' for i, n in enumerate(names))
    path = tmp_path / "t.tsv"
    path.write_text("obsid\tname\n" + rows.replace(",", "\t"))
    counts = ingest("targets", path, tmp_path / "raw", columns={})
    table = pq.read_table(tmp_path / "raw" / "targets.parquet")
    assert table["name"].to_pylist() == [
        "cmd|' /C calc'!A0",
        "1",
        "x",
        "ab[31m",
        "LB-1",
        "α Ori",
        '"q"',
    ]
    assert counts["text_changed"] == 4


# files


def damaged(tmp_path, name: str, data: bytes) -> str:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(IngestError) as caught:
        read_table(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def whole(tmp_path, name: str) -> bytes:
    table = Table({"source_id": np.arange(300), "ra": np.arange(300.0), "dec": np.zeros(300)})
    table.write(tmp_path / name, **({"format": "votable"} if name.endswith("vot") else {}))
    return (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", ["t.fits", "t.vot", "t.parquet", "t.ecsv"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_files_cut_short_stop(name, share, tmp_path):
    data = whole(tmp_path, name)
    cut = data[: int(len(data) * share)]
    if name == "t.ecsv":
        cut = cut[: cut.rfind(b" ")]  # in the middle of a row: a cut between rows cannot be seen
    damaged(tmp_path, name, cut)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95, 0.999])
def test_gzip_cut_short_or_flipped_stops(share, tmp_path):
    data = gzip.compress(b"source_id,ra,dec\n" + b"".join(b"%d,1,2\n" % i for i in range(2000)))
    at = int(len(data) * share)
    assert "damaged gzip" in damaged(tmp_path, "t.csv.gz", data[:at])
    damaged(tmp_path, "t.csv.gz", data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])


def test_a_flipped_bit_in_parquet_stops(tmp_path):
    table = pa.table({"source_id": np.arange(5000), "ra": np.random.default_rng(1).random(5000)})
    pq.write_table(
        table,
        tmp_path / "t.parquet",
        write_page_checksum=True,
        compression="none",
        use_dictionary=False,
    )
    data = bytearray((tmp_path / "t.parquet").read_bytes())
    for at in random.Random(1).sample(range(100, len(data) // 2), 10):
        data[at] ^= 4
        damaged(tmp_path, "t.parquet", bytes(data))
        data[at] ^= 4


def test_a_wrong_fits_checksum_stops(tmp_path):
    hdu = fits.BinTableHDU(Table({"ra": np.arange(9.0)}))
    hdu.writeto(tmp_path / "t.fits", checksum=True)
    data = bytearray((tmp_path / "t.fits").read_bytes())
    data[-2880 + 10] ^= 1
    assert "verification failed" in damaged(tmp_path, "t.fits", bytes(data))


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("t.vot", b"<!DOCTYPE html><html><body>503</body></html>", "not a table"),
        ("t.fits", b"<html>", "not a table"),
        ("t.csv", b"", "is empty"),
        ("t.csv", b"PK\x03\x04\0\0\0\0", "not a table"),
        ("t.vot", b"<?xml version='1.0'?><html><body>x</body></html>", "damaged VOTable"),
        ("t.csv", b"a,b\n1,2\n3\n", "not a regular table"),
        ("t.csv", b"a,b\n1,\xff\n", "line 2 of the table is not UTF-8"),
        ("t.parquet", b"PAR1 and nothing more", "damaged Parquet"),
        ("t.ecsv", b"# %ECSV 1.0\n# ---\n# datatype: [\na b\n", "damaged ECSV header"),
    ],
)
def test_what_is_no_table_stops(name, data, says, tmp_path):
    assert says in damaged(tmp_path, name, data)


def test_missing_files_and_folders_stop(tmp_path):
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(IngestError, match="cannot be read") as caught:
            read_table(path)
        assert caught.value.exit_code == 3


def test_several_tables_in_one_file_stop(tmp_path):
    hdu = fits.BinTableHDU(Table({"ra": [1.0]}))
    fits.HDUList([fits.PrimaryHDU(), hdu, hdu]).writeto(tmp_path / "t.fits")
    assert "holds 2 tables" in damaged(tmp_path, "t.fits", (tmp_path / "t.fits").read_bytes())


@pytest.mark.parametrize("status", ["OVERFLOW", "ERROR"])
def test_incomplete_answers_stop(status, tmp_path):
    data = whole(tmp_path, "t.vot")
    mark = b'<RESOURCE type="results">'
    assert mark in data
    said = damaged(
        tmp_path,
        "t.vot",
        data.replace(mark, mark + f'<INFO name="QUERY_STATUS" value="{status}"/>'.encode()),
    )
    assert f"QUERY_STATUS is {status}" in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_billion_laughs_are_refused(encoding, tmp_path):
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    text = (
        '<?xml version="1.0"?><!DOCTYPE VOTABLE [<!ENTITY l0 '
        f'"ha">{entities}]><VOTABLE>&l9;</VOTABLE>'
    )
    assert "declares XML entities" in damaged(tmp_path, "t.vot", text.encode(encoding))


def test_votables_have_a_size_cap_before_they_are_parsed(tmp_path):
    whole(tmp_path, "t.vot")
    with pytest.raises(IngestError, match="a VOTable larger than 1,000 bytes"):
        read_table(tmp_path / "t.vot", votable_cap=1000)


def test_nothing_is_published_when_an_ingest_stops(tmp_path):
    out = tmp_path / "raw"
    (tmp_path / "g.csv").write_text(gaia("1,10,20"))
    ingest("gaia_dr2", tmp_path / "g.csv", out, columns={})
    before = (out / "gaia_dr2.parquet").read_bytes()
    (tmp_path / "g.csv").write_text(gaia("1,10,20", "1,11,20"))
    with pytest.raises(IngestError):
        ingest("gaia_dr2", tmp_path / "g.csv", out, columns={})
    assert (out / "gaia_dr2.parquet").read_bytes() == before
    assert not list(out.rglob("*.partial"))


def test_tables_without_rows_are_tables(tmp_path):
    for name in SOURCES:
        counts, table, _ = run(
            tmp_path,
            name,
            "obsid,source_id,designation,ra,dec,teff,g,offset,parallax,parallax_error,ks,ks_err\n",
        )
        assert (counts["rows_read"], table.num_rows) == (0, 0)


@pytest.mark.parametrize("name", SOURCES)
def test_every_declared_column_has_limits_and_finds_itself(name, tmp_path):
    columns = [c.column for c in columns_of(f"raw.{name}")]
    path = tmp_path / "t.csv"
    path.write_text(",".join(columns) + "\n")
    ingest(name, path, tmp_path / "raw", columns={})
    assert provenance(tmp_path / "raw" / f"{name}.parquet")["mapping"] == {c: c for c in columns}
