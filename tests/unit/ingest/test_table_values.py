"""One rule for null, units, types and names, whichever format a table comes in."""

import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table

from obcat.ingest.errors import IngestError
from obcat.ingest.tables import ingest
from obcat.ingest.tables.read import read_table
from obcat.ingest.tables.store import provenance

MASKED = {
    "t.ecsv": {"format": "ascii.ecsv", "serialize_method": "data_mask"},
    "t.fits": {"format": "fits"},
    "t.vot": {"format": "votable"},
    "t.csv": {"format": "ascii.csv"},
    "t.parquet": {"format": "parquet"},
}
VOTABLE = '<VOTABLE version="1.3"><RESOURCE><TABLE>{}<DATA><TABLEDATA>{}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>'


def ingested(source: str, path: Path, **columns: str) -> dict[str, list]:
    ingest(source, path, path.parent / "raw", columns=columns)
    return pq.read_table(path.parent / "raw" / f"{source}.parquet").to_pydict()


def text(
    tmp_path: Path, source: str, rows: str, name: str = "t.csv", **columns: str
) -> dict[str, list]:
    (tmp_path / name).write_text(rows)
    return ingested(source, tmp_path / name, **columns)


def stops(tmp_path: Path, source: str, rows: str, **columns: str) -> str:
    with pytest.raises(IngestError) as caught:
        text(tmp_path, source, rows, **columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def report(tmp_path: Path, source: str) -> dict:
    return provenance(tmp_path / "raw" / f"{source}.parquet")["report"]


# null


@pytest.mark.parametrize(
    ("form", "stored", "words", "expect"),
    [
        ("I", [-7, 3, 250], {"scale": 0.5, "zero": 100.0, "null": 3}, [96.5, None, 225.0]),
        ("B", [255, 4, 9], {"null": 255}, [None, 4, 9]),
        ("J", [0, -(2**31), 5], {"zero": 2**31, "null": -(2**31)}, [2**31, None, 2**31 + 5]),
        ("K", [1, -(2**63), 2], {"zero": 2**63, "null": 1}, [None, 0, 2**63 + 2]),
        ("D", [-1.5, 2.5, np.nan], {"null": -1}, [-1.5, 2.5, np.nan]),
    ],
)
def test_tnull_is_a_stored_number(form, stored, words, expect, tmp_path):
    code = {"I": ">i2", "B": "u1", "J": ">i4", "K": ">i8", "D": ">f8"}[form]
    hdu = fits.BinTableHDU.from_columns([fits.Column("x", form, array=np.zeros(3))])
    header = hdu.header
    header["TNULL1"] = words["null"]
    if "zero" in words:
        header["TSCAL1"], header["TZERO1"] = words.get("scale", 1), words["zero"]
    data = np.array(stored, code).tobytes()
    body = header.tostring().encode() + data + b"\0" * (-len(data) % 2880)
    (tmp_path / "t.fits").write_bytes(fits.PrimaryHDU().header.tostring().encode() + body)
    assert str(read_table(tmp_path / "t.fits").table["x"].to_pylist()) == str(expect)


def test_logical_values_of_fits_that_are_neither_are_null(tmp_path):
    columns = [
        fits.Column("x", "L", array=[True, False, True]),
        fits.Column("n", "2I", array=np.zeros((3, 2))),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    data = (tmp_path / "t.fits").read_bytes()
    at = 2 * 2880 + 10
    assert data[at : at + 1] == b"T"
    (tmp_path / "t.fits").write_bytes(data[:at] + b"\0" + data[at + 1 :])
    assert read_table(tmp_path / "t.fits").table.to_pydict() == {"x": [True, False, None]}


@pytest.mark.parametrize("kind", ["u2", "u4", "u8", "i2", "i4", "i8", "u1"])
def test_masked_integers_that_astropy_wrote_to_fits(kind, tmp_path):
    table = Table(
        {"x": MaskedColumn(np.array([5, 7, 9], kind), mask=[False, True, False]), "y": [1, 2, 3]}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write(tmp_path / "t.fits")
    assert read_table(tmp_path / "t.fits").table["x"].to_pylist() == [5, None, 9]


def test_ascii_tables_of_fits_blank_and_tnull_are_null(tmp_path):
    columns = [
        fits.Column("obsid", "I8", array=np.array([11, 12, 13]), ascii=True),
        fits.Column(
            "teff", "F9.1", null="none", array=np.array([15000.5, 16000.5, 17000.5]), ascii=True
        ),
    ]
    fits.TableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    data = (tmp_path / "t.fits").read_bytes()
    data = data.replace(b"  16000.5", b"     none").replace(b"  17000.5", b"         ")
    (tmp_path / "t.fits").write_bytes(data)
    got = ingested("labels", tmp_path / "t.fits")
    assert (got["obsid"], got["teff"]) == ([11, 12, 13], [15000.5, None, None])


@pytest.mark.parametrize("name", MASKED)
def test_a_column_and_its_mask_are_one_column(name, tmp_path):
    table = Table(
        {"obsid": [1, 2, 3], "teff": [15000.0, 44444.0, 17000.0], "teff.mask": [False, True, False]}
    )
    if "serialize_method" in MASKED[name]:
        table["teff"] = MaskedColumn(table["teff"], mask=table["teff.mask"])
        table.remove_column("teff.mask")
    table.write(tmp_path / name, **MASKED[name])
    assert ingested("labels", tmp_path / name)["teff"] == [15000.0, None, 17000.0]


def test_a_column_that_ends_in_mask_and_is_none_stays(tmp_path):
    got = read_table(_csv(tmp_path, "obsid,teff,teff.mask\n1,15000,3\n2,16000,0\n")).table
    assert got.column_names == ["obsid", "teff", "teff.mask"]
    assert got["teff"].to_pylist() == ["15000", "16000"]


def _csv(tmp_path: Path, rows: str) -> Path:
    (tmp_path / "t.csv").write_text(rows)
    return tmp_path / "t.csv"


def test_nulls_of_votables(tmp_path):
    fields = (
        '<FIELD name="obsid" datatype="int"><VALUES null="-1"/></FIELD><FIELD name="teff" '
        'datatype="float"/>'
    )
    rows = "<TR><TD>4</TD><TD>15000</TD></TR><TR><TD>5</TD><TD/></TR>"
    (tmp_path / "t.vot").write_text(VOTABLE.format(fields, rows))
    teff = ingested("labels", tmp_path / "t.vot")["teff"]
    assert teff[0] == 15000
    assert teff[1] is None or np.isnan(teff[1])


# units


@pytest.mark.parametrize(
    ("column", "unit", "value", "expect"),
    [
        ("logg", "dex", 4.2, 4.2),
        ("logg", "log(cm.s**-2)", 4.2, 4.2),
        ("logg", "log10(m/s2)", 2.2, 4.2),
        ("logg", "[cm/s2]", 4.2, 4.2),
        ("logg", "dex(cm/s2)", 4.2, 4.2),
        ("logg", "cm.s**-2", 4.2, 4.2),
        ("logg", "cgs", 4.2, 4.2),
        ("logg_err", "cm/s2", 0.1, 0.1),
        ("logg_err", "dex", 0.1, 0.1),
        ("feh", "dex", -0.3, -0.3),
        ("feh", "[Sun]", -0.3, -0.3),
        ("feh", "[-]", -0.3, -0.3),
        ("teff", "[K]", 4.0, 10000.0),
        ("teff", "log(K)", 4.0, 10000.0),
        ("teff", "kK", 12.5, 12500.0),
        ("teff", "kelvin", 12500.0, 12500.0),
    ],
)
def test_logarithms_and_plain_units_of_labels(column, unit, value, expect, tmp_path):
    table = Table({"obsid": [1], "teff": [15000.0]})
    table[column] = [value]
    table.write(tmp_path / "t.fits")
    fits.setval(tmp_path / "t.fits", f"TUNIT{table.colnames.index(column) + 1}", value=unit, ext=1)
    assert ingested("labels", tmp_path / "t.fits")[column] == [pytest.approx(expect)]


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        ("[mas]", "unit '[mas]' is of an error of a logarithm"),
        ("dex", "unit 'dex' is a logarithm of no unit"),
        ("furlong", "unit 'furlong' is not known"),
        ("Angstrom", "cannot become 'mas'"),
    ],
)
def test_units_that_cannot_be_of_an_error_stop(unit, says, tmp_path):
    rows = f"source_id\tra\tdec\te_Plx\n\tdeg\tdeg\t{unit}\n---\t---\t---\t----\n7\t10\t20\t0.1\n"
    assert says in stops(tmp_path, "gaia_dr2", rows)


def test_a_logarithm_is_raised_to_its_power(tmp_path):
    rows = "Source\tRA_ICRS\tDE_ICRS\tPlx\n\tdeg\tdeg\t[uas]\n---\t---\t---\t----\n7\t10\t20\t2.0\n8\t10\t20\t--\n"
    assert text(tmp_path, "gaia_dr2", rows)["parallax"] == [pytest.approx(0.1), None]


@pytest.mark.parametrize(
    ("unit", "value"), [("um-1", 1.5), ("nm**-1", 0.0015), ("1/Angstrom", 0.00015)]
)
def test_wavenumbers(unit, value, tmp_path):
    rows = f"source_id,ra,dec,nueff\n7,10,20,{value}\n"
    got = text(tmp_path, "gaia_dr3", rows, nu_eff_used_in_astrometry=f"nueff [{unit}]")
    assert got["nu_eff_used_in_astrometry"] == [pytest.approx(1.5)]


@pytest.mark.parametrize(
    "unit", ["mag", "MAG", "mag(AB)", "ABmag", "mag_Vega", "mags", "magnitude[mag]"]
)
def test_spellings_of_magnitudes(unit, tmp_path):
    table = Table({"ra": [1.0], "dec": [2.0], "g": [15.5]})
    table.write(tmp_path / "t.fits")
    fits.setval(tmp_path / "t.fits", "TUNIT3", value=unit, ext=1)
    assert ingested("xstps", tmp_path / "t.fits")["g"] == [15.5]


def test_a_name_may_say_its_unit(tmp_path):
    got = text(
        tmp_path,
        "gaia_dr2",
        "source_id,ra [rad],dec (deg),Plx (uas),e_Plx [uas]\n7,0.1,20,900,30\n",
    )
    assert got["ra"] == [pytest.approx(np.degrees(0.1))]
    assert (got["parallax"], got["parallax_error"]) == ([pytest.approx(0.9)], [pytest.approx(0.03)])


# types


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.large_binary(), pa.string_view(), pa.large_string(), pa.binary(3)]
)
def test_text_of_every_kind(kind, tmp_path):
    plain = b"AAB" if "fixed" in str(kind) else b"AAB\0\0"
    values = [plain, None] if "binary" in str(kind) else ["AAB", None]
    table = pa.table(
        {"ra": [1.0, 2.0], "dec": [3.0, 4.0], "j_m": [9.0, 9.5], "ph_qual": pa.array(values, kind)}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert ingested("twomass", tmp_path / "t.parquet")["ph_qual"] == ["AAB", None]


def test_dictionaries_decimals_and_half_floats(tmp_path):
    big = 2**62 + 1
    table = pa.table(
        {
            "source_id": pa.array([Decimal(big), None], pa.decimal128(22, 0)),
            "obsid": pa.array([4, 5], pa.uint16()),
            "name": pa.array(["k", "l"]).dictionary_encode(),
            "ra": pa.array([1.5, 2.5], pa.float32()),
            "dec": pa.array(np.array([3.5, 4.5], np.float16)),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    got = ingested("targets", tmp_path / "t.parquet")
    assert list(got.values()) == [
        ["k", "l"],
        [None, None],
        [4, 5],
        [None, None],
        [1.5, 2.5],
        [3.5, 4.5],
        [big, None],
    ]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (pa.array([Decimal("7.50")], pa.decimal128(9, 2)), "a number with a fraction"),
        (pa.array([7.0], pa.float32()), "must not be a float"),
        (pa.array([Decimal(10**25)], pa.decimal128(38, 0)), "does not fit in 64 bits"),
        (pa.array([True]), "holds bool, not integers"),
    ],
)
def test_ids_of_other_types_stop(values, says, tmp_path):
    pq.write_table(pa.table({"obsid": values, "teff": [15000.0]}), tmp_path / "t.parquet")
    with pytest.raises(IngestError, match=says):
        ingested("labels", tmp_path / "t.parquet")


IDS = (
    np.random.default_rng(5).integers(2**53, 2**62 // 128 * 2, 60) // 1 * 128
)  # of Gaia, all over the sky


@pytest.mark.parametrize("source", ["gaia_dr2", "gaia_dr3", "targets", "labels"])
def test_ids_that_were_floats_or_in_a_spreadsheet_stop(source, tmp_path):
    def rows(ids):
        return "source_id,ra,dec,teff\n" + "".join(
            f"{i},{1 + k},20,15000\n" for k, i in enumerate(ids)
        )

    assert text(tmp_path, source, rows(IDS[:25]))["source_id"] == IDS[:25].tolist()
    assert "went through a float" in stops(
        tmp_path, source, rows(IDS[:25].astype(float).astype(np.int64))
    )
    assert "went through a spreadsheet" in stops(
        tmp_path,
        source,
        rows([int(f"{i:.14e}".replace(".", "")[:15]) * 10**4 for i in IDS if i > 10**18]),
    )
    few = IDS[:12].astype(float).astype(np.int64)
    assert text(tmp_path, source, rows(few))["source_id"] == few.tolist()


# names


def named(path: Path, names: list[str]) -> Path:
    """A table of one row, all 15000, in the format of the ending."""
    match path.suffix:
        case ".csv":
            path.write_text(",".join(names) + "\n" + ",".join(["15000"] * len(names)) + "\n")
        case ".fits":
            columns = [fits.Column(f"c{i}", "D", array=[15000.0]) for i, _ in enumerate(names)]
            data = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)])
            data.writeto(path)
            for i, name in enumerate(names):
                path.write_bytes(
                    path.read_bytes().replace(
                        f"= 'c{i}      '".encode(), f"= '{name:<8}'".encode(), 1
                    )
                )
        case ".vot":
            fields = "".join(f'<FIELD name="{n}" datatype="double"/>' for n in names)
            path.write_text(
                VOTABLE.format(fields, "<TR>" + "<TD>15000</TD>" * len(names) + "</TR>")
            )
        case ".parquet":
            pq.write_table(pa.Table.from_arrays([pa.array([15000])] * len(names), names), path)
    return path


@pytest.mark.parametrize("ending", ["csv", "fits", "vot", "parquet"])
def test_a_name_twice_stops_by_name_and_any_other_twice_does_not(ending, tmp_path):
    path = named(tmp_path / f"other.{ending}", ["teff", "x", "x"])
    assert read_table(path).table.column_names == ["teff", "x (column 2)", "x (column 3)"]
    assert str(read_table(path).table["teff"][0].as_py()) in ("15000", "15000.0")
    with pytest.raises(
        IngestError, match=r"column 'teff' is there 2 times, as 'teff \(column 1\)' and"
    ):
        ingested("labels", named(tmp_path / f"same.{ending}", ["teff", "logg", "teff"]))


def test_a_column_there_twice_can_be_named_by_its_place(tmp_path):
    got = text(tmp_path, "labels", "obsid,teff,teff\n1,15000,99\n", teff="teff (column 2)")
    assert got["teff"] == [15000]


@pytest.mark.parametrize(
    ("source", "header", "own"),
    [
        ("gaia_dr2", "ra,dec,RA_ICRS,DE_ICRS,Source,Plx", 1),
        ("gaia_dr2", "RA_ICRS,DE_ICRS,ra,dec,source_id,parallax", 1),
        ("gaia_dr3", "ra,dec,ra_gaia,dec_gaia,source_id,parallax", 1),
        ("twomass", "ra,dec,RAJ2000,DEJ2000,2MASS,Jmag", 1),
        ("twomass", "RAJ2000,DEJ2000,ra,dec,designation,j_m", 1),
        ("apass", "ra,dec,RAJ2000,DEJ2000,Vmag,e_Vmag", 1),
        ("ps1", "ra,dec,RAJ2000,DEJ2000,objID,gmag", 1),
        ("ps1", "raMean,decMean,_RAJ2000,_DEJ2000,gMeanPSFMag,rMeanPSFMag", 0),
    ],
)
def test_the_position_is_the_sources_own(source, header, own, tmp_path):
    got = text(tmp_path, source, f"{header}\n10,20,11,21,7,15\n")
    assert (got["ra"], got["dec"]) == ([10.0 + own], [20.0 + own])


@pytest.mark.parametrize(
    ("header", "expect"),
    [
        ("RAJ2000,DEJ2000,ra,obsid", 10.0),
        ("ra,RAJ2000,DEJ2000,obsid", 20.0),
        ("ra,decl,dec2,obsid", 10.0),
    ],
)
def test_both_coordinates_are_of_one_pair(header, expect, tmp_path):
    got = text(tmp_path, "targets", f"{header}\n10,20,30,7\n")
    assert (got["ra"], got["dec"]) == ([expect], [expect + 10])


def test_two_positions_that_nothing_tells_apart_stop(tmp_path):
    said = stops(tmp_path, "xstps", "ra,dec,RAJ2000,DEJ2000,g\n10,20,11,21,15\n")
    assert "two positions (ra, dec and RAJ2000, DEJ2000)" in said
    assert text(
        tmp_path, "xstps", "ra,dec,RAJ2000,DEJ2000\n1,2,3,4\n", ra="RAJ2000", dec="DEJ2000"
    )["ra"] == [3.0]


@pytest.mark.parametrize(
    ("source", "header", "taken", "not_taken"),
    [
        ("apass", "Bmag,Vmag,Rmag,Imag", ["b", "v"], {"Rmag": "r", "Imag": "i"}),
        ("xstps", "Gmag,BPmag,RPmag", [], {"Gmag": "g"}),
        ("xstps", "gmag,bpmag,rpmag", [], {"gmag": "g"}),
        ("apass", "vmag,rmag,imag", [], {"vmag": "v", "rmag": "r", "imag": "i"}),
        ("ps1", "RMAG,IMAG,GMAG", [], {"RMAG": "r", "IMAG": "i", "GMAG": "g"}),
        ("ps1", "gmag,rmag,imag", ["g", "r", "i"], {}),
        ("apass", "Vmag,g'mag,r'mag,i'mag", ["v", "g", "r", "i"], {}),
        ("gaia_dr2", "gmag,BPMAG", ["phot_bp_mean_mag"], {"gmag": "phot_g_mean_mag"}),
        ("apass", "gmag,bpmag,rpmag", [], {"gmag": "g", "rpmag": "r"}),
    ],
)
def test_bands_of_other_systems_are_not_taken_and_named(source, header, taken, not_taken, tmp_path):
    n = header.count(",") + 1
    got = text(tmp_path, source, f"source_id,ra,dec,{header}\n7,10,20{',15.5' * n}\n")
    bands = [c for c, v in got.items() if v == [15.5]]
    assert sorted(bands) == sorted(taken)
    assert report(tmp_path, source)["alike"] == not_taken


def test_names_of_spectra_in_every_form(tmp_path):
    rows = [
        "56001-B_1-04-007",
        "56001-B_1-4-8",
        "spec-56001-B_1_sp04-009.fits.gz",
        "d/spec-56001-B_1_sp04-010",
        "LB-1",
    ]
    expect = [f"56001-B_1-04-{n}" for n in ("007", "008", "009", "010")] + ["LB-1"]
    assert text(tmp_path, "targets", "\n".join(["specid", *rows]))["specid"] == expect
    files = text(tmp_path, "targets", "\n".join(["FileName", *rows]), "f.csv")["fitsname"]
    assert files == [f"spec-56001-B_1_sp04-{n}.fits" for n in ("007", "008", "009", "010")] + [
        "LB-1"
    ]
    labels = text(tmp_path, "labels", "filename,teff\nspec-56001-B_1_sp04-009.fits,15000\n")
    assert labels["specid"] == ["56001-B_1-04-009"]


def test_long_and_reserved_names_of_labels(tmp_path):
    rows = "obsid,teff\n1,15000\n"
    assert text(tmp_path, "labels", rows, "a_very_long_name_of_a_table_of_labels.csv")[
        "label_source"
    ] == ["a_very_long_name_of_a_ta"]
    assert text(tmp_path, "labels", rows, "regression.csv")["label_source"] == ["regression table"]
    assert text(tmp_path, "labels", rows, "étiquettes_星.csv")["label_source"] == ["etiquettes__"]
    assert text(tmp_path, "labels", rows, ".csv")["label_source"] == ["labels"]
    alike = "obsid,teff,label_source\n" + "".join(f"{i},15000,{'x' * 24}{i}\n" for i in (1, 2))
    assert "alike in their first 24 letters" in stops(tmp_path, "labels", alike)


# Gaia


@pytest.mark.parametrize(
    ("columns", "release"),
    [
        ("DR3Name,nueff", "gaia_dr3"),
        ("pseudocolour", "gaia_dr3"),
        ("astrometric_params_solved", "gaia_dr3"),
        ("designation", "gaia_dr3"),
        ("a_g_val", "gaia_dr2"),
        ("DR2Name", "gaia_dr2"),
        ("gaia_source_id", "gaia_dr3"),
        ("solution_id", "gaia_dr2"),
    ],
)
def test_the_release_is_told_by_what_the_table_holds(columns, release, tmp_path):
    values = {
        "designation": "Gaia DR3 7",
        "astrometric_params_solved": "95",
        "solution_id": "1635721458409799680",
    }
    values["gaia_source_id"] = "Gaia EDR3 7"
    row = ",".join(values.get(c, "1.5") for c in columns.split(","))
    rows = f"source_id,ra,dec,{columns}\n7,10,20,{row}\n"
    other = {"gaia_dr2": "gaia_dr3", "gaia_dr3": "gaia_dr2"}[release]
    assert f"give it as tables.{release}" in stops(tmp_path, other, rows)
    assert text(tmp_path, release, rows)["source_id"] == [7]


@pytest.mark.parametrize(
    ("column", "value", "release"),
    [
        ("ref_epoch", "2015.0", "DR1"),
        ("ref_epoch", "2017.5", "DR4"),
        ("solution_id", "1635378410781933568", "DR1"),
        ("designation", "Gaia DR4 9", "DR4"),
        ("astrometric_relegation_factor", "1.2", "DR1"),
    ],
)
@pytest.mark.parametrize("source", ["gaia_dr2", "gaia_dr3"])
def test_releases_that_are_not_read_are_named(column, value, release, source, tmp_path):
    said = stops(tmp_path, source, f"source_id,ra,dec,{column}\n7,10,20,\n9,11,20,{value}\n")
    assert f"this is Gaia {release}; give DR2 or DR3" in said


@pytest.mark.parametrize("cut", ["running", "int32", "uint32"])
def test_ids_that_are_no_source_ids_stop(cut, tmp_path):
    ids = 2**61 + 128 * np.random.default_rng(3).integers(0, 2**50, 60)
    wrong = np.arange(1, 61) if cut == "running" else ids.astype(cut)
    rows = "source_id,ra,dec\n" + "".join(f"{i},{10 + k},20\n" for k, i in enumerate(wrong))
    said = stops(tmp_path, "gaia_dr2", rows)
    assert "is none of Gaia" in said or (cut == "int32" and "no_identifier" in said)
    whole = "source_id,ra,dec\n" + "".join(f"{i},{10 + k},20\n" for k, i in enumerate(ids))
    assert text(tmp_path, "gaia_dr2", whole)["source_id"] == ids.tolist()


def test_another_name_of_a_column_that_was_found_is_told(tmp_path):
    rows = "source_id,ra,dec,RAJ2000,parallax,Plx\n7,10,20,11,1.5,2.5\n"
    assert text(tmp_path, "gaia_dr2", rows)["parallax"] == [1.5]
    assert report(tmp_path, "gaia_dr2")["alike"] == {"Plx": "parallax"}


# frames and containers


@pytest.mark.parametrize("value", ["10.5", "00 42 00.0"])
def test_positions_that_a_votable_says_to_be_in_another_frame_stop(value, tmp_path):
    fields = (
        '<FIELD name="ra" ref="s" unit="" datatype="char" arraysize="*"/>'
        '<FIELD name="dec" ref="s" unit="deg" datatype="double"/>'
    )
    rows = VOTABLE.format(fields, f"<TR><TD>{value}</TD><TD>20</TD></TR>")
    for system in ("eq_FK4", "galactic", "ecl_FK5", "ICRS", "eq_FK5"):
        framed = rows.replace("<TABLE>", f'<COOSYS ID="s" system="{system}"/><TABLE>')
        if system in ("ICRS", "eq_FK5"):
            assert text(tmp_path, "targets", framed, "t.vot")["ra"] == [10.5]
        else:
            assert system in stops(tmp_path, "targets", framed)


@pytest.mark.parametrize(
    ("card", "says"),
    [
        (("RADESYS", "FK4"), "FK4, B1950"),
        (("EQUINOX", 1950.0), "FK4, B1950"),
        (("ZTABLE", True), "unpack it with funpack"),
    ],
)
def test_tables_of_fits_of_another_frame_or_packed_stop(card, says, tmp_path):
    hdu = fits.BinTableHDU(Table({"ra": [10.0, 11.0], "dec": [20.0, 21.0]}))
    hdu.writeto(tmp_path / "t.fits")
    assert ingested("targets", tmp_path / "t.fits")["ra"] == [10.0, 11.0]
    hdu.header[card[0]] = card[1]
    hdu.writeto(tmp_path / "t.fits", overwrite=True)
    with pytest.raises(IngestError, match=says):
        ingested("targets", tmp_path / "t.fits")


def test_one_row_of_vectors_stops(tmp_path):
    columns = [fits.Column(n, "3D", array=[[10.0, 11.0, 12.0]]) for n in ("ra", "dec")]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    with pytest.raises(IngestError, match="one row, whose columns are vectors"):
        ingested("targets", tmp_path / "t.fits")


def test_names_of_gaia_are_identifiers(tmp_path):
    got = text(
        tmp_path,
        "labels",
        "GaiaDR2,teff\nGaia DR2 4611686018427387905,15000\n Gaia DR2 5 ,16000\n,17000\n",
    )
    assert got["source_id"] == [2**62 + 1, 5]
    assert "'Gaia 5' is not an integer id" in stops(
        tmp_path, "labels", "GaiaDR2,teff\nGaia 5,15000\n"
    )


def test_the_error_of_the_parallax_from_its_ratio(tmp_path):
    got = text(
        tmp_path,
        "gaia_dr2",
        "source_id,ra,dec,Plx,RPlx\n7,10,20,-2.0,-40\n8,10,20,2.0,0\n9,10,20,,\n5,10,20,2.0,-40\n",
    )
    assert got["parallax_error"] == [pytest.approx(0.05), None, None, None]
    assert report(tmp_path, "gaia_dr2")["computed"]["parallax_error"] == "from Plx, RPlx"


def test_2mass_without_designations(tmp_path):
    got = text(tmp_path, "twomass", "RAJ2000,DEJ2000,Jmag\n10,20,9.5\n10,20,9.5\n11,21,9.9\n")
    assert (got["designation"], got["j_m"]) == ([None, None], [9.5, 9.9])


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("parallax", [410.0, 630.0, 220.0]),
        ("parallax", [4e-4, 6e-4, -2e-4]),
        ("pmra", [-2500.0, 1700.0, 2900.0]),
        ("pmdec", [2e-6, -3e-6, 4e-6]),
    ],
)
def test_a_few_sizes_betray_a_wrong_unit(column, values, tmp_path):
    rows = "".join(f"{i},10,20,{v}\n" for i, v in enumerate(values, 1))
    assert f"median {np.median(np.abs(values)):g} is not that of a {column}" in stops(
        tmp_path, "gaia_dr2", f"source_id,ra,dec,{column}\n{rows}"
    )
    assert (
        text(tmp_path, "gaia_dr2", f"source_id,ra,dec,{column}\n1,10,20,{values[0]}\n")[column]
        == values[:1]
    )


def test_a_unit_that_the_file_states_wrongly(tmp_path):
    """Milliarcseconds under the unit of arcseconds; what the survey itself states is believed."""
    path = tmp_path / "gaia_dr2.ecsv"
    table = Table({"source_id": [1, 2, 3], "ra": [10.0] * 3, "dec": [20.0] * 3})
    table["parallax"] = Column([0.4, 0.6, 0.5], unit="arcsec")
    table.write(path, format="ascii.ecsv")
    with pytest.raises(IngestError, match="median 500 is not that of a parallax in mas"):
        ingest("gaia_dr2", path, tmp_path / "raw", columns={})
    for unit, factor in (("mas", 1), ("arcsec", 1000)):
        ingest("gaia_dr2", path, tmp_path / unit, columns={"parallax": f"parallax [{unit}]"})
        found = pq.read_table(tmp_path / unit / "gaia_dr2.parquet")["parallax"].to_pylist()
        assert found == pytest.approx([0.4 * factor, 0.6 * factor, 0.5 * factor])
