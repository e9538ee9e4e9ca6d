"""No false alarm on what CDS publishes: each form of its standard (3.4);
and the fault beside it.
"""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obcat.export.cds import forms as check
from obcat.export.cds.column import known_unit
from obcat.export.cds.described import parse

RULE = "-" * 80
TOP = f"""\
J/ApJ/2/3       Clusters and their members        (Nobody+, 2031)
{"=" * 80}
Clusters and their members.
    Nobody N.
    =2031ApJ...2....3N
{"=" * 80}
ADC_Keywords: Clusters, open

"""
END = f"{'=' * 80}\n(End)                                 Nobody N. [Nowhere]    01-Jan-2031\n"


def summary(*lines: str) -> str:
    head = " FileName      Lrecl  Records   Explanations"
    listed = "\n".join(("ReadMe            80        .   This file", *lines))
    return f"File Summary:\n{RULE}\n{head}\n{RULE}\n{listed}\n{RULE}\n\n"


def described(names: str, *lines: str, title: str = "Byte-by-byte Description of file:") -> str:
    head = "   Bytes Format Units   Label     Explanations"
    return (
        f"{title} {names}\n{RULE}\n{head}\n{RULE}\n"
        + "".join(f"{x}\n" for x in lines)
        + f"{RULE}\n\n"
    )


def readme(*parts: str, about: str = "Description:\n    Two clusters.\n\n") -> str:
    return TOP + about + "".join(parts) + END


def faults(folder: Path, text: str, files: dict[str, str | bytes]) -> list[str]:
    (folder / "ReadMe").write_text(text, encoding="ascii")
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode("ascii"))
    return [str(fault) for fault in check(folder)]


def column(
    folder: Path, explained: str, values: list[str], form: str = "F6.2", unit: str = "mag"
) -> list[str]:
    """Faults of a table of one column, after a name."""
    width = int(form[1:].partition(".")[0])
    line = f"  10-{9 + width:>3}  {form:<5}{unit:>5}    X         {explained}"
    rows = "".join(f"cl{n:<6} {value:>{width}}\n" for n, value in enumerate(values))
    table = described("t.dat", "   1-  8  A8    ---     Name      Name of the cluster", line)
    return faults(
        folder,
        readme(summary(f"t.dat      {9 + width:>8} {len(values):>8}   All"), table),
        {"t.dat": rows},
    )


@pytest.mark.parametrize(
    ("explained", "fine", "wrong"),
    [
        ("[1.5,9]? X", ["1.50", "", "9.00"], "9.01"),
        ("]1.5,9[? X", ["1.51", "", "8.99"], "1.50"),
        ("[ 1.5 / 9 ]? X", ["1.50", "", "9.00"], "0.00"),
        ("]0,]? X", ["0.01", ""], "0.00"),
        ("[,0] X", ["-5.00", "0.00"], "0.01"),
        ("[]? X", ["-5.00", ""], "x"),
        ("[0/9]?+ X in increasing order", ["1.00", "", "2.00"], "-1.00"),
        ("[0/9]+= X", ["1.00", "1.00", "2.00"], "-1.00"),
        ("- X from the brightest", ["3.00", "1.00"], "--"),
        ("?+= X", ["1.00", "1.00", ""], "none"),
        ("*[0/9]? X, see the note", ["1.00", ""], "10.00"),
        ("[0/9]*? X, see the note", ["1.00", ""], "10.00"),
        ("? X (1)", ["1.00", ""], "--"),
        ("?=- X", ["1.00", "-", "--", "------", ""], "NaN"),
        ("?=-- X", ["1.00", "---", "-"], "+-"),
        ("[0/9]?=-- X", ["1.00", "---", "-"], "9.50"),
        ('?="" X', ["1.00", ""], "-"),
        ("?='' X", ["1.00", ""], "-"),
        ('?="n. d." X', ["1.00", "n. d.", ""], "n.d."),
        ("?=NaN X", ["1.00", "NaN", "nan"], "INF"),
        ("[0/50]?=99 X", ["1.00", "99.00", "99.0", "99"], "99.01"),
        ("?=-99.9+ X", ["-99.90", "3.00"], "-99,9"),
        ("[Fe/H] X of the cluster", ["-0.50", "0.10"], ""),
        ("? [Fe/H] X of the cluster", ["-0.50", ""], "-"),
        ("?=- [O/Fe] X of the cluster", ["-0.50", "---"], "n/a"),
        ("[OIII] X", ["1.00"], ""),
        ("(V-I) X", ["1.00"], ""),
    ],
)
def test_the_first_word_of_an_explanation(tmp_path, explained, fine, wrong):
    assert column(tmp_path, explained, fine) == []
    assert [f for f in column(tmp_path, explained, [*fine, wrong]) if ": X: " in f], wrong


def test_a_digit_may_be_blank_where_the_blank_is_among_its_letters(tmp_path):
    assert column(tmp_path, "[ 0-3] Class", ["1", "", "3"], "I2", "---") == []
    found = column(tmp_path, "[0-3] Class", ["1", "", "3"], "I2", "---")
    assert found == ["t.dat:2: X: blank, but no '?' allows it"]


@pytest.mark.parametrize(
    ("explained", "values", "fine"),
    [
        ("[*] Note", ["*", "", "*"], True),
        ("[ ?:] Uncertainty", ["?", "", ":"], True),
        ("[A-CX] Class", ["A", "", "X"], True),
        ("Class", ["A", ""], True),
        ("?=- Class", ["A", "-", "--"], True),
        ("! Class", ["A", "B"], True),
        ("! Class", ["A", ""], False),
    ],
)
def test_letters_and_blank_texts(tmp_path, explained, values, fine):
    found = column(tmp_path, explained, values, "A2", "---")
    assert found == ([] if fine else ["t.dat:2: X: blank, but '!' forbids it"])


@pytest.mark.parametrize(
    ("explained", "expected"),
    [
        ("?[0/9] X", "the range stands behind the '?'"),
        ("?=- [0,9] X", "the range stands behind the '?'"),
        ("[0,9] ? X", "a blank between range and '?'"),
        ("? =-9 X", "a blank in '?='"),
        ("[9,0]? X", "range [9/0] is upside down"),
        ("[a,9]? X", "range [a/9] is not of numbers"),
        ("[0/nan]? X", "range [0/nan] is not of numbers"),
        ("?=x X", "null value x is no number"),
        ("", "no explanation"),
    ],
)
def test_a_first_word_that_is_wrong(tmp_path, explained, expected):
    assert any(expected in fault for fault in column(tmp_path, explained, ["1.00"]))


UNITS = [
    "---",
    "mag",
    "[mag]",
    "e-/s",
    "e-.s-1",
    "mJy/beam",
    "Jy/beam.km/s",
    "10+3",
    "10-3",
    "10+3K",
    "10+44J/s",
    "10-17mW/m2/nm",
    "1.5x10+11m",
    "0.1nm",
    "1000yr",
    "cm+3/s",
    "arcsec/yr",
    "mas/yr",
    "0.1min",
    "ds",
    '"date"',
    '"h:m:s"',
    '"Y:M:D"',
    "[cm/s2]",
    "[Sun]",
    "[10-7W]",
    "[solMass/yr]",
    "solRad",
    "geoMass",
    "ct/ks",
    "mCrab",
    "K.km/s",
    "MJy/sr",
    "mag/arcsec2",
    "10pix/nm",
    "%",
    "%/yr",
    "[-]",
    "/s",
    "/cm2/s",
    "ph/s/cm2",
    "uas",
    "adu",
    "electron/pix",
    "deg/d",
    "rad.m-2",
    "keV",
    "mmag",
]


@pytest.mark.parametrize("unit", UNITS)
def test_units_of_published_packages(unit):
    assert known_unit(unit)


@pytest.mark.parametrize(
    "unit",
    [
        "marc/y",
        "kmps",
        "foo",
        "km//s",
        "km/",
        "/",
        ".",
        "mJy/bem",
        "mag^2",
        "m**2",
        "--",
        "e-/sek",
        "[]",
        "[foo]",
        "10+",
        "x10+3m",
    ],
)
def test_units_that_are_none(unit):
    assert not known_unit(unit)


COLUMNS = (
    "   1-  4  A4    ---     Name      Name of the star",
    "       5  A1    ---     ---       [|]",
    "   6-  7  I2    ---     N         [0/60] Number of",
    "                                  16 F5 stars or more, as",
    "                                  2 A1 of Table 3",
    "                                  ------------------------------------",
    "       8  A1    ---     ---       [|]",
    "   9- 13  f5.1  mag     Vmag      ? Magnitude",
)
ROWS = "s001|12| 10.5\ns002| 7|     \n"
LISTED = "t.dat             13        2   Stars"


def test_columns_without_a_name_continued_lines_and_small_letters(tmp_path):
    assert (
        faults(tmp_path, readme(summary(LISTED), described("t.dat", *COLUMNS)), {"t.dat": ROWS})
        == []
    )
    found = faults(
        tmp_path,
        readme(summary(LISTED), described("t.dat", *COLUMNS)),
        {"t.dat": ROWS.replace("12", "61")},
    )
    assert found == ["t.dat:1: N: 61 is outside [0/60]"]


@pytest.mark.parametrize(
    "title",
    [
        "Byte-per-byte Description of file:",
        "Byte-by-Byte description of files:",
        "byte by byte Description of file :",
        "Byte-by-byte Description of file (#):",
    ],
)
def test_titles_of_a_description(tmp_path, title):
    text = readme(summary(LISTED), described("t.dat", *COLUMNS, title=title))
    assert faults(tmp_path, text, {"t.dat": ROWS}) == []
    assert faults(tmp_path, text, {"t.dat": ROWS.replace("10.5", "10,5")}) == [
        "t.dat:1: Vmag: '10,5' is not f5.1"
    ]


@pytest.mark.parametrize(
    "names",
    [
        "t.dat u.dat",
        "t.dat, u.dat",
        "t.dat and u.dat",
        "?.dat",
        "*.dat",
        "[tu].dat",
        "t.dat\n    u.dat",
    ],
)
def test_several_tables_of_one_description(tmp_path, names):
    text = readme(summary(LISTED, LISTED.replace("t.dat", "u.dat")), described(names, *COLUMNS))
    assert faults(tmp_path, text, {"t.dat": ROWS, "u.dat": ROWS}) == []
    found = faults(tmp_path, text, {"t.dat": ROWS, "u.dat": ROWS.replace("12", "1x")})
    assert found == ["u.dat:1: N: '1x' is not I2"]


def test_titles_one_below_the_other(tmp_path):
    titles = "t.dat\nByte-by-byte Description of file: u.dat"
    text = readme(summary(LISTED, LISTED.replace("t.dat", "u.dat")), described(titles, *COLUMNS))
    assert faults(tmp_path, text, {"t.dat": ROWS, "u.dat": ROWS}) == []


def test_what_stands_between_the_tables(tmp_path):
    notes = f"Note (1): 3 A1 stars\n   1-  4  A4 are not columns.\nNote (G1): as well.\n{RULE}\n\n"
    see = "See also:\n   I/239 : The Hipparcos and Tycho Catalogues (ESA 1997)\n\n"
    text = readme(
        summary(LISTED), see, described("t.dat", *COLUMNS), notes, "References:\n  Nobody, 2030\n\n"
    )
    assert faults(tmp_path, text, {"t.dat": ROWS}) == []


def test_an_abstract_will_do_and_nothing_will_not(tmp_path):
    parts = summary(LISTED), described("t.dat", *COLUMNS)
    for about in ("Abstract:\n    Stars.\n\n", "Introduction:\n    Stars.\n\n"):
        assert faults(tmp_path, readme(*parts, about=about), {"t.dat": ROWS}) == []
    found = faults(tmp_path, readme(*parts, about=""), {"t.dat": ROWS})
    assert found == ["ReadMe: there is no section 'Description'"]


@pytest.mark.parametrize("listed", ["t.dat", "t.dat.gz"])
@pytest.mark.parametrize("title", ["t.dat", "t.dat.gz"])
@pytest.mark.parametrize("stored", ["t.dat", "t.dat.gz"])
def test_packed_or_not_sizes_are_those_of_the_table(tmp_path, listed, title, stored):
    text = readme(summary(f"{listed:<10}        13        2   Stars"), described(title, *COLUMNS))

    def data(rows: str) -> dict[str, str | bytes]:
        return {stored: gzip.compress(rows.encode()) if stored.endswith(".gz") else rows}

    assert faults(tmp_path, text, data(ROWS)) == []
    assert faults(tmp_path, text, data(ROWS * 2)) == [f"{listed}: 4 records, the ReadMe says 2"]
    assert faults(tmp_path, text, data(ROWS.replace("12", "xx"))) == [
        f"{listed}:1: N: 'xx' is not I2"
    ]


@pytest.mark.parametrize(
    "names", [["t.dat.00", "t.dat.01"], ["t.dat.1", "t.dat.2"], ["t.dat.000.gz", "t.dat.001.gz"]]
)
def test_a_table_in_parts(tmp_path, names):
    text = readme(summary(LISTED), described("t.dat", *COLUMNS))
    rows = ROWS.splitlines(keepends=True)

    def parts(first: str, second: str) -> dict[str, str | bytes]:
        packed = (
            gzip.compress(x.encode()) if names[0].endswith("gz") else x for x in (first, second)
        )
        return dict(zip(names, packed, strict=True))

    assert faults(tmp_path, text, parts(*rows)) == []
    assert faults(tmp_path, text, parts(ROWS[:20], ROWS[20:])) == []
    assert faults(tmp_path, text, parts(rows[0], rows[0] + rows[1])) == [
        "t.dat: 3 records, the ReadMe says 2"
    ]
    (tmp_path / names[0]).rename(tmp_path / names[0].replace("0", "8", 1).replace(".1", ".8"))
    assert any("cannot be read: part" in fault for fault in check_texts(tmp_path))


def check_texts(folder: Path) -> list[str]:
    return [str(fault) for fault in check(folder)]


def test_parts_that_are_listed_one_by_one(tmp_path):
    rows = ROWS.splitlines(keepends=True)
    listed = [f"t.dat.{n:02d}          13        1   Stars" for n in (0, 1)]
    for title in ("t.dat", "t.dat.*", "t.dat.00 t.dat.01"):
        text = readme(summary(*listed), described(title, *COLUMNS))
        assert faults(tmp_path, text, {"t.dat.00": rows[0], "t.dat.01": rows[1]}) == []
        found = faults(
            tmp_path, text, {"t.dat.00": rows[0], "t.dat.01": rows[1].replace(" 7", "77")}
        )
        assert found == ["t.dat.01:1: N: 77 is outside [0/60]"]


SPECTRUM = (
    "   1-  6  F6.1  0.1nm   lambda    Wavelength",
    "   8- 12  F5.2  ---     Flux      Flux",
)
LINES = "4000.0  1.00\n4001.0  1.01\n4002.0  1.02\n"


@pytest.mark.parametrize("listed", ["sp/*", "sp/*.dat", "sp/", "sp/s*"])
@pytest.mark.parametrize("title", ["sp/*", "sp/*.dat", "sp/s1.dat sp/s2.dat"])
@pytest.mark.parametrize("records", [2, 6, 3, "."])
def test_a_folder_of_files(tmp_path, listed, title, records):
    """Records of a folder are its files, or lines of each, or of all."""
    line = f"{listed:<10}        12 {records:>8}   Spectra"
    text = readme(summary(LISTED, line), described("t.dat", *COLUMNS), described(title, *SPECTRUM))
    files = {"t.dat": ROWS, "sp/s1.dat": LINES, "sp/s2.dat": LINES}
    assert faults(tmp_path, text, files) == []
    found = faults(tmp_path, text, {**files, "sp/s2.dat": LINES.replace("1.01", "x.01")})
    assert found == ["sp/s2.dat:2: Flux: 'x.01' is not F5.2"]


def test_a_folder_of_another_number_of_files(tmp_path):
    line = "sp/*              12        7   Spectra"
    text = readme(summary(LISTED, line), described("t.dat", *COLUMNS), described("sp/*", *SPECTRUM))
    files = {"t.dat": ROWS, "sp/s1.dat": LINES, "sp/s2.dat": LINES}
    assert faults(tmp_path, text, files)[0].endswith(
        "sp/*: 2 files with 6 records, the ReadMe says 7"
    )
    wider = text.replace("12        7", "13        2")
    assert faults(tmp_path, wider, files)[0].endswith(
        "sp/*: the longest line has 12 bytes, the ReadMe says Lrecl 13"
    )
    assert any("cannot be read" in f for f in faults(tmp_path, text.replace("sp/*", "xx/*"), files))


def test_images_and_lists_of_programs(tmp_path):
    """Files that are no tables may have no sizes, and are not read as text."""
    others = (
        "m31.fits           .        .   Image",
        "fits/*             .        2   Images",
        "Makefile   To make it",
    )
    text = readme(summary(LISTED, *others), described("t.dat", *COLUMNS))
    image = b"SIMPLE  =" + bytes(2880)
    files = {
        "t.dat": ROWS,
        "m31.fits": image,
        "fits/a.fits": image,
        "fits/b.fits": image,
        "Makefile": "all:\n\ttrue\n",
    }
    assert faults(tmp_path, text, files) == []
    assert faults(tmp_path, text, {**files, "more.fits": image}) == [
        "more.fits: the file summary does not list it"
    ]


def test_a_format_that_is_repeated(tmp_path):
    line = "   1- 12  3F4.1  mag     mags      [0/30]? Magnitudes"
    text = readme(summary("t.dat             12        2   Stars"), described("t.dat", line))
    assert faults(tmp_path, text, {"t.dat": "10.1    12.0\n 9.912.012.1\n"}) == []
    found = faults(tmp_path, text, {"t.dat": "10.1    31.0\n 9.912.012.x\n"})
    assert found == ["t.dat:2: mags: '12.x' is not F4.1", "t.dat:1: mags: 31.0 is outside [0/30]"]


def test_the_readme_may_be_called_otherwise(tmp_path):
    text = readme(summary(LISTED), described("t.dat", *COLUMNS)).replace("ReadMe    ", "Intro     ")
    assert faults(tmp_path, text, {"t.dat": ROWS}) == []


NULLS = {"": None, "?": "", "?=-": "---", "?=-9.99": "-9.99", "?=99": "99.00", '?=""': ""}
RANGES = {
    "": (-9.0, 99.0),
    "[0/50]": (0.0, 50.0),
    "[0,50]": (0.0, 50.0),
    "]0,]": (0.01, 99.0),
    "[]": (-9.0, 99.0),
}
explained = st.tuples(
    st.sampled_from(["", "*"]), st.sampled_from(sorted(RANGES)), st.sampled_from(sorted(NULLS))
)
drawn = st.lists(
    st.tuples(explained, st.lists(st.floats(0, 1), min_size=5, max_size=5)), min_size=1, max_size=6
)


def package(columns: list) -> tuple[str, list[list[str]]]:
    """A ReadMe of columns of six bytes, and the cells, a fifth of them NULL where that may be."""
    lines, cells = [], []
    for n, ((note, limits, null), shares) in enumerate(columns):
        first, (low, high) = 1 + 7 * n, RANGES[limits]
        lines.append(
            f"{first:>4}-{first + 5:>3}  F6.2  mag     m{n:<8} {note}{limits}{null} Magnitude"
        )
        blank = NULLS[null]
        cells.append(
            [
                blank if blank is not None and s < 0.2 else f"{low + s * (high - low):.2f}"
                for s in shares
            ]
        )
    size = 7 * len(columns) - 1
    return readme(
        summary(f"t.dat         {size:>6}        5   Stars"), described("t.dat", *lines)
    ), cells


def rows_of(cells: list[list[str]]) -> str:
    return "".join(
        " ".join(f"{cell:>6}" for cell in row) + "\n" for row in zip(*cells, strict=True)
    )


same_folder = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@same_folder
@given(columns=drawn)
def test_any_package_by_the_standard_is_without_fault(tmp_path, columns):
    text, cells = package(columns)
    assert faults(tmp_path, text, {"t.dat": rows_of(cells)}) == []


@same_folder
@given(
    columns=drawn,
    at=st.integers(0, 99),
    row=st.integers(0, 4),
    kind=st.sampled_from(["range", "word", "nan", "long", "null", "gap"]),
)
def test_any_fault_that_is_planted_is_found(tmp_path, columns, at, row, kind):
    text, cells = package(columns)
    at %= len(columns)
    (_, limits, null), _ = columns[at]
    wrong = {
        "range": "-99.00",
        "word": "1.2.3",
        "nan": "nan",
        "long": "1.2345",
        "null": "" if null == "" else "--",
    }
    if (kind == "range" and limits in ("", "[]")) or (kind == "null" and null == "?=-"):
        kind = "word"
    cells[at][row] = wrong.get(kind, cells[at][row])
    data = rows_of(cells)
    if kind == "gap":
        lines = data.splitlines()
        data = "".join(f"{line} x\n" if n == row else f"{line}\n" for n, line in enumerate(lines))
    found = faults(tmp_path, text, {"t.dat": data})
    expected = "bytes" if kind == "gap" else f"t.dat:{row + 1}: m{at}: "
    assert any(expected in fault for fault in found), (kind, found)


@same_folder
@given(
    columns=drawn,
    kind=st.sampled_from(["records", "lrecl", "overlap", "width", "column", "label", "unit"]),
)
def test_any_fault_of_a_description_is_found(tmp_path, columns, kind):
    text, cells = package(columns)
    last = parse(text).tables[0].columns[-1]
    line = next(x for x in text.split("\n") if x.startswith(f"{last.first:>4}-{last.last:>3}"))
    changed = {
        "records": ("        5   Stars", "        6   Stars"),
        "lrecl": (f"{last.last:>6}        5", f"{last.last + 1:>6}        5"),
        "overlap": (f"{line}\n", f"{line}\n{line.replace(last.label, 'again')}\n"),
        "width": (line, line.replace("F6.2", "F5.2")),
        "column": (f"{line}\n", ""),
        "label": (f"{line}\n", f"{line}\n{last.last + 2:>4}-{last.last + 7:>3}{line[8:]}\n"),
        "unit": (line, line.replace(" mag ", " mga ")),
    }[kind]
    found = faults(tmp_path, text.replace(*changed), {"t.dat": rows_of(cells)})
    words = {
        "records": "5 records, the ReadMe says 6",
        "lrecl": "the ReadMe says Lrecl",
        "overlap": "belongs to the column before it",
        "width": "does not fill bytes",
        "column": "are in no column but hold" if len(columns) > 1 else "no column is described",
        "label": "label is used twice",
        "unit": "unit mga is not in CDS syntax",
    }[kind]
    if kind == "column" and not any(cell.strip() for cell in cells[-1]):
        return
    assert any(words in fault for fault in found), (kind, found)
