"""Tables written as text by other programs: read as what they are, or refused with the line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from obcat.ingest.errors import IngestError
from obcat.ingest.tables import ingest
from obcat.ingest.tables.read import read_table


def read(
    tmp_path: Path, source: str, text: str | bytes, name: str = "t.txt", **columns: str
) -> dict[str, list]:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    ingest(source, tmp_path / name, tmp_path / "raw", columns=columns)
    return pq.read_table(tmp_path / "raw" / f"{source}.parquet").to_pydict()


def stops(tmp_path: Path, source: str, text: str | bytes) -> str:
    with pytest.raises(IngestError) as caught:
        read(tmp_path, source, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "source_id,ra,dec\r71,10.5,-20\r72,11,-21\r",
        "source_id,ra,dec\r\n71,10.5,-20\r\n72,11,-21\r\n",
        "\ufeffsource_id,ra,dec\n71,10.5,-20\n72,11,-21",
        "sep=;\nsource_id;ra;dec\n71;10.5;-20\n72;11;-21\n",
        '"sep=|"\r\nsource_id|ra|dec\r\n71|10.5|-20\r\n72|11|-21\r\n',
        "# made by hand\nsource_id ra dec\n71 10.5 -20\n72 11 -21\n",
        "# source_id ra dec\n71 10.5 -20\n72 11 -21\n",
        '"","source_id","ra","dec"\n"1",71,10.5,-20\n"2",72,11,-21\n',
        "# made by numpy\n# source_id,ra,dec\n71,10.5,-20\n72,11,-21\n# end\n",
        '"source_id" "ra" "dec"\n71 10.5 -20\n72 11 -21\n',
        '"source_id" "ra" "dec"\n"1" 71 10.5 -20\n"2" 72 11 -21\n',
        "source_id   ra    dec\n--------- ---- ----\n71        10.5  -20\n72        11    -21\n",
        "source_id\tra\tdec\n\tdeg\tdeg\n------\t----\t----\n71\t10.5\t-20\n72\t11\t-21\n",
        "source_id | ra | dec\n----------+----+-----\n 71 | 10.5 | -20\n 72 | 11 | -21\n",
        '# source_id   ra   dec  name\n  71  10.5  -20  "star of blanks"\n  72  11  -21 ""\n',
        "+----+----+----+\n| source_id | ra | dec |\n+----+----+----+\n| 71 | 10.5 | -20 |\n"
        "| 72 | 11 | -21 |\n+----+----+----+\n",
    ],
    ids=[
        "cr",
        "crlf",
        "bom",
        "sep",
        "sep_bar",
        "blanks",
        "hash",
        "r_csv",
        "numpy",
        "r",
        "r_rows",
        "rule",
        "vizier",
        "psql",
        "topcat",
        "mysql",
    ],
)
def test_forms_of_text(text, tmp_path):
    got = read(tmp_path, "gaia_dr2", text)
    assert (got["source_id"], got["ra"], got["dec"]) == ([71, 72], [10.5, 11.0], [-20.0, -21.0])


@pytest.mark.parametrize("text", ["\u00c9toile,obsid\na,5\n", "name,obsid\na,5\nB\u00e9,6\n"])
def test_text_that_is_not_utf_8_stops_with_its_line(tmp_path, text):
    said = stops(tmp_path, "targets", text.encode("cp1252"))
    assert f"line {1 if 'toile' in text else 3} of the table is not UTF-8 text" in said
    assert read(tmp_path, "targets", text)["obsid"][0] == 5


def test_unicode_text_of_a_spreadsheet(tmp_path):
    got = read(tmp_path, "targets", "name\tobsid\r\nα And\t5\r\n".encode("utf-16"))
    assert (got["name"], got["obsid"]) == (["α And"], [5])


def test_fixed_places_without_a_rule(tmp_path):
    got = read(
        tmp_path,
        "labels",
        "obsid   teff    logg\n41      15100   4.10\n42              3.90\n43      15300\n",
    )
    assert (got["teff"], got["logg"]) == ([15100.0, None, 15300.0], [4.1, 3.9, None])


def test_blanks_that_cannot_be_told_stop_with_their_line(tmp_path):
    said = stops(tmp_path, "labels", "obsid teff logg\n41 15100 4.1\n42 3.9\n")
    assert "line 3 has 2 values, the header names 3 columns" in said


@pytest.mark.parametrize(
    "text",
    [
        "|source_id|  ra|dec|\n|       71|10.5|-20|\n|       72|    |-21|\n",
        "| source_id | ra | dec |\n|---|:-:|--:|\n| 71 | 10.5 | -20 |\n| 72 |  | -21 |\n",
    ],
    ids=["fixed width of astropy", "Markdown"],
)
def test_tables_between_bars(tmp_path, text):
    """What NULL is in a bar's place stays in it; the row without a position costs itself."""
    (tmp_path / "t.txt").write_text(text)
    found = read_table(tmp_path / "t.txt").table.to_pydict()
    assert found == {"source_id": ["71", "72"], "ra": ["10.5", ""], "dec": ["-20", "-21"]}


def test_a_row_between_bars_that_is_too_short_stops(tmp_path):
    text = "| source_id | ra | dec |\n| 71 | 10.5 |\n"
    assert "row 1 has 2 values between bars, the header 3" in stops(tmp_path, "gaia_dr2", text)


def test_ipac_tables_with_their_units_and_nulls(tmp_path):
    table = Table(
        {
            "designation": ["01020304+0506070", "01020305+0506070"],
            "ra": [15.75, 15.76],
            "dec": [5.1, 5.2],
        }
    )
    table["j_m"] = [9500.0, -99.5]
    table["j_m"].unit = "mmag"
    table.write(tmp_path / "t.tbl", format="ascii.ipac")
    text = (tmp_path / "t.tbl").read_text().replace("-99.5", " null").replace("-99.5", " null")
    got = read(tmp_path, "twomass", text)
    assert got["j_m"] == [9.5, None]
    assert got["designation"] == ["01020304+0506070", "01020305+0506070"]


def test_words_for_null_that_an_ipac_table_chooses(tmp_path):
    text = (
        "|    ra|   dec|   j_m|ph_qual|\n|double|double|double|   char|\n|   deg|   deg|   "
        "mag|       |\n"
    )
    text += (
        "|      |      | 77.77|    ---|\n 10.000 20.000  77.77     AAA\n 11.000 21.000   "
        "9.50     ---\n"
    )
    got = read(tmp_path, "twomass", text)
    assert (got["j_m"], got["ph_qual"]) == ([None, 9.5], ["AAA", None])


def test_what_only_begins_as_ipac_stops(tmp_path):
    assert "begins as an IPAC table" in stops(
        tmp_path, "gaia_dr2", "|source_id|ra|\n| 1 | 2 |\n 1  2 \n" * 3
    )


def test_machine_readable_tables_of_journals(tmp_path):
    table = Table({"ObsID": [123456789, 987654321], "Teff": [15000.0, 21000.0], "logg": [4.0, 3.5]})
    table["Teff"].unit = "K"
    table.write(tmp_path / "t.mrt", format="ascii.mrt")
    got = read(tmp_path, "labels", (tmp_path / "t.mrt").read_bytes(), "hotter.txt")
    assert (got["obsid"], got["teff"], got["label_source"]) == (
        [123456789, 987654321],
        [15000, 21000],
        ["hotter"] * 2,
    )


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("12:00:00", "-00:30:00"),
        ("12 00 00.00", "-00 30 00.0"),
        ("12h00m00s", "-00d30m00s"),
        ("+12:00:00.0", "-0:30:0"),
    ],
)
def test_angles_in_three_parts(ra, dec, tmp_path):
    got = read(tmp_path, "xstps", f"ra,dec,g\n{ra},{dec},12\n{ra},--,12\n")
    assert (got["ra"], got["dec"]) == ([180.0], [-0.5])


def test_right_ascension_in_degrees_and_minutes_where_the_file_says_so(tmp_path):
    got = read(tmp_path, "xstps", "ra,dec\n192:30:00,1:0:0\n", ra="ra [d:m:s]")
    assert (got["ra"], got["dec"]) == ([192.5], [1.0])


@pytest.mark.parametrize("ra", ["12:60:00", "25:00:00", "12:00:61"])
def test_impossible_angles_stop(ra, tmp_path):
    assert "column 'ra'" in stops(tmp_path, "xstps", f"ra,dec\n{ra},1:0:0\n")


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["k1,5", '"k2,6', "k3,7", "k4,8"], 3),
        (['"k1,5', "k2,6", '"k3,7', "k4,8"], 2),
        (["k1,5", "k2,6", '"k3,7', 'k4",8'], 4),
        (['"k1"x,5', "k2,6"], 2),
    ],
)
def test_quotes_left_open_stop_with_their_line(rows, line, tmp_path):
    said = stops(tmp_path, "targets", "\n".join(["name,obsid", *rows]) + "\n")
    assert f"line {line}: " in said
    assert "quote" in said


def test_quoted_values_may_have_separators_quotes_and_line_ends(tmp_path):
    got = read(tmp_path, "targets", 'name,obsid,note\n"k1, k2",5,"a ""b"" c"\nk3,6,"two\nlines"\n')
    assert (got["name"], got["obsid"]) == (["k1, k2", "k3"], [5, 6])


@pytest.mark.parametrize(
    "word", ["NA", "<NA>", "N/A", "#N/A", "NaT", "none", "----", "-", "...", "-nan", "MASKED", ""]
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_words_for_null_in_numbers_ids_and_text(word, form, tmp_path):
    columns = {"obsid": ["1", "2"], "source_id": ["7", word], "ra": ["1", word], "dec": ["2", word]}
    table = pa.table({**columns, "name": ["k", word]})
    if form == "parquet":
        pq.write_table(table, tmp_path / "t.parquet")
    else:
        rows = zip(*table.to_pydict().values(), strict=True)
        (tmp_path / "t.parquet").write_text(
            "\n".join([",".join(table.column_names), *map(",".join, rows)]) + "\n"
        )
    ingest("targets", tmp_path / "t.parquet", tmp_path / "raw", columns={})
    got = pq.read_table(tmp_path / "raw" / "targets.parquet")
    assert got.select(["source_id", "ra", "name"]).to_pylist()[1] == {
        "source_id": None,
        "ra": None,
        "name": None,
    }


def test_a_comma_for_a_point_is_named(tmp_path):
    assert "a comma where a point is meant" in stops(
        tmp_path, "gaia_dr2", "source_id;ra;dec\n1;10,5;20,5\n"
    )


def test_units_of_ecsv_are_text_only(tmp_path):
    header = (
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: float64, unit: [x, "
        "[y]]}\n# schema: astropy-2.0\n"
    )
    (tmp_path / "t.ecsv").write_text(header + "a\n1.5\n")
    assert read_table(tmp_path / "t.ecsv").units == {}


def test_positions_in_the_parts_of_tables_byte_by_byte(tmp_path):
    rule, labels = (
        "-" * 60,
        {"RAh": "1-2 I2", "RAm": "4-5 I2", "RAs": "7-10 F4.1", "DE-": "12 A1", "DEd": "13-14 I2"},
    )
    labels |= {"DEm": "16-17 I2", "DEs": "19-22 F4.1", "Vmag": "24-28 F5.2"}
    described = [f"{places:>7}  {form}  ---  {name}  Its {name}" for name, (places, form) in
                 ((name, word.split()) for name, word in labels.items())]  # fmt: skip
    head = ["Title: Two stars", "=" * 60, "Byte-by-byte Description of file: t.txt", rule]
    head += ["   Bytes Format Units  Label  Explanations", rule, *described, rule]
    rows = ["10 30 00.0 -00 30 36.0  9.50", "00 06 04.0 +89 00 00.0 10.50"]
    got = read(tmp_path, "apass", "\n".join([*head, *rows]) + "\n")
    assert got["ra"] == pytest.approx([157.5, 1.516666666])
    assert got["dec"] == pytest.approx([-0.51, 89.0])
    assert got["v"] == [9.5, 10.5]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04rest", "a zip archive or a spreadsheet"),
        (b"\x89HDF\r\n", "HDF5"),
        (b'{"ra": [1]}', "JSON"),
        (b'[{"ra": 1}]', "JSON"),
        (b"BZh91AY", "bzip2"),
    ],
)
def test_what_is_no_table_is_named(content, kind, tmp_path):
    assert f"t.txt: {kind}, not a table" in stops(tmp_path, "gaia_dr2", content)


def test_a_header_may_begin_with_a_bracket(tmp_path):
    assert read(tmp_path, "labels", "[Fe/H],obsid,Teff\n-0.5,3,15000\n")["feh"] == [-0.5]


def test_a_last_row_that_begins_with_a_hash_is_a_row(tmp_path):
    assert read(tmp_path, "targets", "name,obsid\nk,4\n#12,5\n")["obsid"] == [4, 5]
    assert read(tmp_path, "targets", "name,obsid\nk,4\n#12,5\n#END#\n# bye\n", "u.txt")[
        "obsid"
    ] == [4, 5]


def test_a_comment_is_a_header_only_where_it_names_every_column(tmp_path):
    assert read(tmp_path, "labels", "# made by hand, again\nobsid,teff,5\n3,15000,2\n")[
        "obsid"
    ] == [3]


@pytest.mark.parametrize(
    "content", ["# a\n# b c\n", "#", "\n\n\n", "# a\n\n", "a,b\n#\n#\n", "sep=;\n"]
)
def test_texts_without_a_table_stop(content, tmp_path):
    assert "no column for" in stops(
        tmp_path, "gaia_dr2", content
    ) or "not a regular table" in stops(tmp_path, "gaia_dr2", content)
