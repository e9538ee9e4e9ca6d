"""The CDS package, read back cell by cell;
the checker finds every fault that is planted, and none beside.
"""

import contextlib
import gzip
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.io import ascii as astropy_ascii
from astropy.table import Table
from release_rows import BIG, COLUMNS, published, rows_of

from obcat.export import ReleaseError
from obcat.export.cds import NoPackage
from obcat.export.cds import check as check_all
from obcat.export.cds import forms as check
from obcat.export.cds.column import PREFIX, cds_unit, label
from obcat.export.cds.described import COLUMN, parse
from obcat.export.cds.readme import Field, _lines_of, write, write_machine_readable
from obcat.export.plain import printed

README = "ReadMe"
TABLE = "obstars.dat"


@pytest.fixture(scope="module")
def package(tmp_path_factory, rows) -> Path:
    folder = tmp_path_factory.mktemp("released") / "cds"
    write(folder, published(rows))
    return folder


def test_read_back_by_astropy_cell_by_cell(package, rows):
    table = astropy_ascii.read(package / TABLE, format="cds", readme=str(package / README))
    assert table.colnames == [label(c.column) for c in COLUMNS]
    for c in COLUMNS:
        found = [None if np.ma.is_masked(v) else v for v in table[label(c.column)]]
        assert printed(c, found) == printed(c, rows[c.column]), c.column
    assert table["Gaia"][0] == BIG


def test_astropy_reads_the_units(package):
    table = astropy_ascii.read(package / TABLE, format="cds", readme=str(package / README))
    found = {
        name: str(table[name].unit)
        for name in ("RAdeg", "pmRA", "logDist", "logg", "RV", "Ksmag", "plx")
    }
    assert found == {
        "RAdeg": "deg",
        "pmRA": "mas / yr",
        "logDist": "dex(kpc)",
        "logg": "dex(cm / s2)",
        "RV": "km / s",
        "Ksmag": "mag",
        "plx": "mas",
    }


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("ra", "RAdeg"),
        ("dec", "DEdeg"),
        ("pmra_error", "e_pmRA"),
        ("ebv_err", "e_E(B-V)"),
        ("ks_err", "e_Ksmag"),
    ],
)
def test_labels_are_those_of_cds(column, expected):
    assert label(column) == expected


def test_labels_are_different_and_have_no_blank():
    labels = [label(c.column) for c in COLUMNS]
    assert len(set(labels)) == len(labels)
    assert not any(" " in name or len(name) > 16 for name in labels)
    assert {cds_unit(c) for c in COLUMNS if c.column in ("snr_g", "halpha_ew", "rv")} == {
        "---",
        "0.1nm",
        "km/s",
    }


def test_lines_are_ascii_and_short(package):
    lines = (package / README).read_text(encoding="ascii").split("\n")
    assert max(map(len, lines)) <= 80
    assert lines[-2].startswith("(End)")


def test_explanations_have_range_null_and_words(package):
    text = (package / README).read_text(encoding="ascii")
    assert "RAdeg      [0/360] Right ascension" in text
    assert "Bin        [0/1]? Binarity: 1 binary" in text
    assert "Gaia       ? Gaia source identifier" in text
    assert "e_RV       [" in text
    assert "]? Error of RV" in text
    assert "2 = no_ks: No Ks magnitude" in text


@pytest.mark.parametrize("n", range(2, 16))
def test_no_line_of_an_explanation_looks_like_the_next_column(n):
    """A line "16 F5 per cent" would be read as a column that ends at byte 16."""
    column = replace(COLUMNS[0], description="word " * n + "16 F5 per cent of stars")
    lines = _lines_of(Field(column, 1, 9, "A9", ""), 10, 7)
    assert [bool(COLUMN.match(line)) for line in lines] == [True] + [False] * (len(lines) - 1)


def test_it_says_that_it_is_simulated(package, tmp_path, rows):
    text = (package / README).read_text(encoding="ascii")
    assert text.startswith("SIMULATED ")
    assert text.count("SIMULATED") == 4
    write(tmp_path / "real", published(rows, simulated=False))
    assert "SIMULATED" not in (tmp_path / "real" / README).read_text(encoding="ascii")


def test_an_empty_catalog_is_described(tmp_path):
    write(tmp_path / "empty", published({c.column: [] for c in COLUMNS}))
    assert (tmp_path / "empty" / TABLE).read_bytes() == b""
    assert check(tmp_path / "empty") == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("logg", 123.456, r"catalog\.ob_stars\.logg: '123\.456' is wider than its format F6\.3"),
        ("gri_source", "xstps2", "gri_source.*A5"),
        ("label_source", "Xiang\t2022", "label_source.*plain text"),
        ("label_source", " x", "label_source.*plain text"),
    ],
)
def test_a_value_that_does_not_fit_stops(tmp_path, rows, column, value, message):
    wrong = {**rows, column: [value, *rows[column][1:]]}
    with pytest.raises(ReleaseError, match=message):
        write(tmp_path / "out", published(wrong))
    assert not (tmp_path / "out").exists()


def test_a_whole_catalog_is_written_and_checked_in_seconds(tmp_path):
    """16,000 rows of 64 columns: written in half of the CPU time that pandas takes to print them,
    checked in as much as that; three times both is allowed, whatever the machine.
    """
    rows = rows_of(16_000)
    catalog = published(rows)
    started = time.process_time()
    write(tmp_path / "out", catalog)
    written = time.process_time()
    assert check(tmp_path / "out") == []
    checked = time.process_time()
    pd.DataFrame(rows).to_csv(tmp_path / "plain.csv")
    printing = time.process_time() - checked
    assert written - started < 1.5 * printing
    assert checked - written < 3 * printing


def in_readme(old: str, new: str, count: int = 1):
    return README, old.encode("latin-1"), new.encode("latin-1"), count


FAULTS = {
    "long line": (
        in_readme("Description:\n", f"Description:\n{'x' * 81}\n"),
        ["line has 81 characters"],
    ),
    "not ASCII": (
        in_readme("Error of RV", "Error of \u00b5V"),
        ["'\u00b5' is not printable ASCII"],
    ),
    "tab": (in_readme("Error of RV", "Error of\tRV"), ["'\\t' is not printable ASCII"]),
    "format": (
        in_readme("F10.6  deg     RAdeg", "F9.6   deg     RAdeg"),
        ["RAdeg: format F9.6 does not fill bytes"],
    ),
    "kind": (
        in_readme("F10.6  deg     RAdeg", "Z10    deg     RAdeg"),
        ["RAdeg: format Z10 is none of A, I, F, E, D"],
    ),
    "unit": (in_readme("mas/yr  pmRA", "marc/y  pmRA"), ["pmRA: unit marc/y is not in CDS syntax"]),
    "null first": (
        in_readme("[0/1]? Binarity", "?[0/1] Binarity"),
        ["Bin: the range stands behind the '?'"],
    ),
    "null apart": (
        in_readme("[0/1]? Binarity", "[0/1] ? Binarity"),
        ["Bin: a blank between", "Bin: blank, but no"],
    ),
    "upside down": (
        in_readme("[0/360]", "[360/0]"),
        ["RAdeg: range [360/0] is upside down", "is outside [360/0]"],
    ),
    "no number": (in_readme("[0/360]", "[a/360]"), ["RAdeg: range [a/360] is not of numbers"]),
    "null value": (
        in_readme("[0/1]? Binarity", "[0/1]?=x Binarity"),
        ["Bin: null value x is no number"],
    ),
    "label twice": (in_readme("DEdeg", "RAdeg"), ["RAdeg: label is used twice"]),
    "blank": (in_readme("[0/1]? Binarity", "[0/1] Binarity"), ["Bin: blank, but no '?' allows it"]),
    "range": (in_readme("[0/360]", "[0/5]"), ["is outside [0/5]"]),
    "open end": (
        in_readme("[0/1] 1 where the star", "]0/1] 1 where the star"),
        ["Sim: 0 is outside ]0/1]"],
    ),
    "no section": (
        in_readme("File Summary:", "Files:"),
        ["no section 'File Summary'", "no file", TABLE, "described"],
    ),
    "no table": (
        in_readme("of file: obstars.dat", "of file: stars.dat"),
        ["no byte-by-byte", "stars.dat: described"],
    ),
    "not there": (
        in_readme("obstars.dat ", "obstarz.dat "),
        ["cannot be read", "does not list", "described"],
    ),
    "traversal": (
        in_readme("obstars.dat ", "../star.dat "),
        ["not the name of a file", "does not list", "described"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_readme_is_found(package, tmp_path, name):
    (file, old, new, count), expected = FAULTS[name]
    found = faults_after(package, tmp_path, file, lambda data: data.replace(old, new, count))
    assert_found(found, expected)


def faults_after(package: Path, tmp_path: Path, file: str, change) -> list[str]:
    folder = Path(shutil.copytree(package, tmp_path / "cds"))
    before = (folder / file).read_bytes()
    (folder / file).write_bytes(change(before))
    assert (folder / file).read_bytes() != before
    return [str(fault) for fault in check(folder)]


def assert_found(found: list[str], expected: list[str]) -> None:
    """Each fault that is expected, once, and no other."""
    for words in expected:
        assert sum(words in fault for fault in found) >= 1, f"{words!r} not in {found}"
    odd = [fault for fault in found if not any(words in fault for words in expected)]
    assert odd == []


def put(label_of: str, text: str):
    """Put a text into the field of the third line."""

    def change(data: bytes, package: Path) -> bytes:
        (column,) = [
            c
            for t in parse((package / README).read_text()).tables
            for c in t.columns
            if c.label == label_of
        ]
        lines = data.split(b"\n")
        field = text.rjust(column.last - column.first + 1).encode("latin-1")
        lines[2] = lines[2][: column.first - 1] + field + lines[2][column.last :]
        return b"\n".join(lines)

    return change


def line_3(change):
    return lambda data, package: b"\n".join(
        change(x) if i == 2 else x for i, x in enumerate(data.split(b"\n"))
    )


DATA_FAULTS = {
    "nan": (put("RV", "nan"), [f"{TABLE}:3: RV: 'nan' is not F8.2"]),
    "inf": (put("RV", "inf"), ["RV: 'inf' is not F8.2"]),
    "dash": (put("RV", "--"), ["RV: '--' is not F8.2"]),
    "underscore": (put("Qual", "1_0"), ["Qual: '1_0' is not I10"]),
    "float for int": (put("Bin", "1."), ["Bin: '1.' is not I2"]),
    "two numbers": (put("RV", "1 2"), ["RV: '1 2' is not F8.2"]),
    "decimals": (put("RV", "1.2345"), ["RV: 1.2345 has more decimals than F8.2"]),
    "range": (put("RAdeg", "360.000001"), ["RAdeg: 360.000001 is outside [0/360]"]),
    "sentinel": (put("Em", "9"), ["Em: 9 is outside [0/1]"]),
    "blank": (put("DEdeg", ""), [f"{TABLE}:3: DEdeg: blank, but no '?' allows it"]),
    "not ASCII": (line_3(lambda line: b"\xe9" + line[1:]), ["'\xe9' is not printable ASCII"]),
    "tab": (line_3(lambda line: b"\t" + line[1:]), ["'\\t' is not printable ASCII"]),
    "DOS": (
        lambda data, package: data.replace(b"\n", b"\r\n"),
        ["'\\r' is not printable", "the longest line has", "\\r"],
    ),
    "longer": (line_3(lambda line: line + b" "), [f"{TABLE}:3: the longest line has"]),
    "fewer": (
        lambda data, package: data[data.index(b"\n") + 1 :],
        ["39 records, the ReadMe says 40"],
    ),
    "no end": (lambda data, package: data[:-1], [f"{TABLE}:40: the last line has no end"]),
    "between": (
        line_3(lambda line: line[:12] + b"x" + line[13:]),
        ["bytes 13-13 are in no column but hold 'x'"],
    ),
}


@pytest.mark.parametrize("name", DATA_FAULTS)
def test_a_fault_of_the_table_is_found(package, tmp_path, name):
    change, expected = DATA_FAULTS[name]
    assert_found(
        faults_after(package, tmp_path, TABLE, lambda data: change(data, package)), expected
    )


OTHERS = """\
J/A+A/1/1      Two stars      (Somebody+, 2020)
{rule}
Two stars
    Somebody S.
{rule}
Description:
    Two stars.

File Summary:
{line}
 FileName   Lrecl   Records   Explanations
{line}
ReadMe         80         .   This file
two.dat        24         2   Two stars
{line}

Byte-by-byte Description of file: two.dat
{line}
   Bytes Format Units   Label   Explanations
{line}
   1-  2  I2    h       RAh     [0/23] Right ascension (hours)
       4  A1    ---     DE-     [+-] Sign of the declination
   6- 11  F6.2  km/s    RV      [-90/90]?=-99.99 Radial velocity
  13- 21  E9.3  mW/m2   Flux    ]0/1[? Flux
  23- 24  I2    ---     N       [1/]? Number of lines,
                                  at least 1
{line}

(End)      Somebody S. [Somewhere]   01-Jan-2020
""".format(rule="=" * 80, line="-" * 80)
LINES = "12 +  12.50 1.234E-05  3\n 3 - -99.99 1.234D-05   \n"


def others(folder: Path, readme: str = OTHERS, lines: str = LINES) -> list[str]:
    (folder / README).write_text(readme, encoding="latin-1")
    (folder / "two.dat").write_text(lines, encoding="latin-1")
    return [str(fault) for fault in check(folder)]


def test_the_submission_of_somebody_else_is_without_fault(tmp_path):
    assert others(tmp_path) == []


@pytest.mark.parametrize(
    ("readme", "lines", "expected"),
    [
        (("  6- 11", "  4-  9"), None, ["RV: byte 4 belongs to the column before it"]),
        (
            ("23- 24  I2", "25- 26  I2"),
            None,
            ["N: byte 25 is beyond Lrecl 24", "bytes 24-24 are in no column"],
        ),
        (
            ("  6- 11", " 11-  6"),
            None,
            ["RV: bytes 11-6 run backwards", "RV: format F6.2 does not fill bytes 11-6"],
        ),
        (
            ("24         2", "25         2"),
            None,
            ["the longest line has 24 bytes, the ReadMe says Lrecl 25"],
        ),
        (("24         2", "24         3"), None, ["2 records, the ReadMe says 3"]),
        (("?=-99.99", "? =-99.99"), None, ["RV: a blank in '?='", "RV: -99.99 is outside"]),
        (None, ("12 +", "24 +"), ["two.dat:1: RAh: 24 is outside [0/23]"]),
        (None, (" 3\n", " 0\n"), ["two.dat:1: N: 0 is outside [1/]"]),
        (None, ("1.234E-05", "0.000E+00"), ["two.dat:1: Flux: 0.000E+00 is outside ]0/1["]),
        (None, ("1.234E-05", "1.000E+00"), ["two.dat:1: Flux: 1.000E+00 is outside ]0/1["]),
    ],
)
def test_a_fault_of_somebody_else_is_found(tmp_path, readme, lines, expected):
    found = others(
        tmp_path,
        OTHERS.replace(*readme) if readme else OTHERS,
        LINES.replace(*lines) if lines else LINES,
    )
    assert any(expected[0] in fault for fault in found), found
    if not readme or "6- 11" not in readme[0]:
        assert len(found) == len(expected), found


def test_an_explanation_may_begin_on_the_line_below(tmp_path):
    below = OTHERS.replace("]0/1[? Flux", "\n" + " " * 32 + "]0/1[? Flux")
    assert others(tmp_path, below) == []
    assert any(
        "is outside ]0/1[" in fault
        for fault in others(tmp_path, below, LINES.replace("E-05", "E+05"))
    )


def test_one_description_of_several_files(tmp_path):
    """The longest of them has every column; lines of the others may end before."""
    readme = OTHERS.replace("of file: two.dat", "of file: t*.dat")
    line = "two.dat        24         2   Two stars"
    (tmp_path / "three.dat").write_text(" 4\n", encoding="ascii")
    required = readme.replace("?=-99.99 Radial", " Radial")
    found = others(tmp_path, required.replace(line, f"{line}\nthree.dat       2         1   One"))
    assert [fault for fault in found if "three" in fault] == [
        "three.dat:1: RV: blank, but no '?' allows it"
    ]
    (tmp_path / "three.dat").write_text(" 4 +  12.50\n", encoding="ascii")
    assert (
        others(tmp_path, readme.replace(line, f"{line}\nthree.dat      11         1   One")) == []
    )


def test_a_packed_table_is_read(tmp_path):
    assert others(tmp_path) == []
    (tmp_path / "two.dat.gz").write_bytes(gzip.compress((tmp_path / "two.dat").read_bytes()))
    (tmp_path / "two.dat").unlink()
    assert check(tmp_path) == []
    packed = (tmp_path / "two.dat.gz").read_bytes()
    for bad in (b"no gzip", packed[:-12], packed[:12] + bytes(20) + packed[32:]):
        (tmp_path / "two.dat.gz").write_bytes(bad)
        assert ["two.dat: cannot be read" in str(fault) for fault in check(tmp_path)] == [True]


def test_a_packed_table_that_never_ends_is_not_read_to_the_end(tmp_path, monkeypatch):
    assert others(tmp_path) == []
    monkeypatch.setattr("obcat.export.cds.described.LIMIT", 1 << 20)
    (tmp_path / "two.dat").unlink()
    (tmp_path / "two.dat.gz").write_bytes(gzip.compress(bytes(2 << 20)))
    assert [str(fault) for fault in check(tmp_path)] == [
        "two.dat: cannot be read: more than 1 MiB when unpacked"
    ]


def test_whatever_the_bytes_it_never_raises(tmp_path):
    random = np.random.default_rng(7)
    found = 0
    for _ in range(150):
        text = {
            name: bytearray(data.encode()) for name, data in ((README, OTHERS), ("two.dat", LINES))
        }
        for data in text.values():
            for at in random.integers(len(data), size=3):
                piece = [
                    bytes([random.integers(256)]),
                    b"9" * int(random.integers(1, 6000)),
                    b"\n",
                    b"",
                ][random.integers(4)]
                data[at : at + int(random.integers(3))] = piece
        for name, data in text.items():
            (tmp_path / name).write_bytes(data)
        found += bool(check(tmp_path))
    assert found > 100


def test_an_unknown_submission_is_not_ours_to_raise_on(tmp_path):
    with pytest.raises(
        NoPackage,
        match="ReadMe: No such file or directory; a CDS package is a folder with a ReadMe",
    ):
        check(tmp_path)
    (tmp_path / README).write_bytes(bytes(range(256)) * 4)
    assert check(tmp_path)


@pytest.fixture(scope="module")
def reference(package, tmp_path_factory) -> Path:
    """The same table as cdspyreadme writes it."""
    writer = pytest.importorskip("cdspyreadme", reason="cdspyreadme is not installed")
    folder = tmp_path_factory.mktemp("reference")
    with contextlib.chdir(folder):
        maker = writer.CDSTablesMaker()
        maker.addTable(
            astropy_ascii.read(package / TABLE, format="cds", readme=str(package / README)),
            name=TABLE,
        )
        maker.writeCDSTables()
        with Path(README).open("w", encoding="ascii") as f:
            maker.makeReadMe(out=f)
    return folder


def read_back(folder: Path) -> Table:
    return astropy_ascii.read(folder / TABLE, format="cds", readme=str(folder / README))


def words(description: str) -> str:
    """An explanation without ranges, nulls and blanks:
    lines may be broken at other words, or at a hyphen.
    """
    while (found := PREFIX.match(description)) and found.group():
        description = description[found.end() :].lstrip()
    return "".join(description.split())


def test_the_reference_writer_describes_the_table_in_the_same_way(package, reference):
    """The same labels, kinds, units, NULL where we have NULL;
    numbers no wider than their format here.
    """
    ours, theirs = (
        parse((d / README).read_text(encoding="ascii")).tables[0].columns
        for d in (package, reference)
    )
    for our, their in zip(ours, theirs, strict=True):
        assert (our.label, our.kind) == (their.label, "E" if our.kind == "E" else their.kind)
        assert units.Unit(our.unit, format="cds") == units.Unit(their.unit, format="cds")
        assert "?" not in (their.prefix["null"] or "") or our.prefix["null"]
        assert our.bytes >= their.bytes or our.kind == "E"
    assert all(fault.file == README and fault.line in (0, 1) for fault in check(reference))


def test_the_explanations_of_the_reference_writer_are_the_same(package, reference):
    ours, theirs = read_back(package), read_back(reference)
    found = {name: words(theirs[name].description) for name in theirs.colnames}
    assert found == {name: words(ours[name].description) for name in ours.colnames}
    assert min(map(len, found.values())) > 5


def test_the_records_of_the_reference_writer_hold_the_same_values(package, reference):
    ours, theirs = read_back(package), read_back(reference)
    assert ours.colnames == theirs.colnames
    for name in ours.colnames:
        our, their = (
            [None if np.ma.is_masked(v) else v for v in table[name]] for table in (ours, theirs)
        )
        assert our == their, name


def test_a_readme_says_where_the_rows_are_from(package, rows):
    text = (package / README).read_text(encoding="ascii")
    parts = [text.index(name) for name in ("File Summary:", "See also:", "Byte-by-byte", "History:",
                                           "References:")]  # fmt: skip
    assert parts == sorted(parts)
    assert "  J/ApJS/253/22 : LAMOST OB stars (Xiang+, 2021)\n" in text
    assert "  I/345 : Gaia DR2" in text
    words = text[text.index("ADC_Keywords:") : text.index("Keywords: stars:")]
    found = [word.strip() for word in " ".join(words[13:].split()).split(";")]
    assert found[:3] == ["Stars, OB", "Magnitudes, absolute", "Stars, distances"]
    assert "Abundances, [Fe/H]" in found


FILLED = (
    ("(Author A., Author B.)", "Xiang M., Rix H.-W."),
    ("<Journal volume, page (year)>", "<Astrophys. J. Suppl. Ser., 253, 22 (2021)>"),
    ("=(bibcode)", "=2021ApJS..253...22X"),
    (" (Author A.)", "   M. Xiang"),
)


def test_what_a_person_has_to_write_is_asked_for(tmp_path, rows):
    """One fault the fewer for each, the last gone with the last."""
    write(tmp_path / "real", published(rows, simulated=False))
    readme = tmp_path / "real" / README
    for left, (template, written) in zip((3, 2, 1, 0), FILLED, strict=True):
        text = readme.read_text(encoding="ascii")
        assert text.count(template) == 1
        readme.write_text(text.replace(template, written), encoding="ascii")
        assert len(check_all(tmp_path / "real")) == left
    assert check(tmp_path / "real") == []


def test_simulated_stars_are_not_submitted(package):
    said = [str(fault) for fault in check_all(package)]
    assert any("SIMULATED: CDS takes stars that exist" in line for line in said)


def test_a_machine_readable_table_is_one_file(tmp_path, rows):
    """astropy reads what it says of itself, and the same values as from the package for CDS."""
    write_machine_readable(tmp_path / "demo_mrt.txt", published(rows))
    write(tmp_path / "cds", published(rows))
    found = Table.read(tmp_path / "demo_mrt.txt", format="ascii.mrt")
    wanted = read_back(tmp_path / "cds")
    assert found.colnames == wanted.colnames
    assert len(found) == len(wanted) == len(rows["specid"])
    for name in found.colnames:
        assert found[name].unit == wanted[name].unit
        assert found[name].tolist() == wanted[name].tolist()
    lines = (tmp_path / "demo_mrt.txt").read_text(encoding="ascii").split("\n")
    assert [line.split(":")[0] for line in lines if line.startswith(("T", "A"))] == [
        "Title", "Authors", "Table"]  # fmt: skip
    assert all(len(line) <= 80 for line in lines[: lines.index("=" * 80)])
