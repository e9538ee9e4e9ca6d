"""The VOTable: valid, with every bit, every id and every NULL;
a wrong unit or UCD stops the release.
"""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import votable as astropy_votable
from astropy.table import Table
from release_rows import BIG, COLUMNS, FLOATS, INTEGERS, NAMES, TEXTS, published

from obcat.export import ReleaseError, votable
from obcat.schema import read_columns


@pytest.fixture(scope="module")
def path(tmp_path_factory, rows) -> Path:
    file = tmp_path_factory.mktemp("votable") / "demo.vot"
    votable.write(file, published(rows))
    return file


def test_astropy_finds_it_valid(path):
    report = io.StringIO()
    assert astropy_votable.validate(path, output=report)
    assert "found no violations" in report.getvalue()


def test_validation_can_fail(path, tmp_path):
    text = path.read_text(encoding="ascii").replace('ucd="pos.eq.ra;meta.main"', 'ucd="pos.eq.rra"')
    (tmp_path / "bad.vot").write_text(text, encoding="ascii")
    assert not astropy_votable.validate(tmp_path / "bad.vot", output=io.StringIO())


def test_read_back_every_bit_and_null(path, rows):
    table = Table.read(path)
    assert table.colnames == NAMES
    for c in (*FLOATS, *INTEGERS):
        found = [None if np.ma.is_masked(v) else v for v in table[c.column]]
        assert [v is None for v in found] == [v is None for v in rows[c.column]], c.column
        assert [v for v in found if v is not None] == [
            v for v in rows[c.column] if v is not None
        ], c.column
    for c in TEXTS:
        assert list(table[c.column]) == [v or "" for v in rows[c.column]], c.column
    assert table["gaia_id"][0] == BIG
    assert table["gaia_id"].dtype == np.int64


def test_units_ucds_and_descriptions_are_declared(path):
    fields = astropy_votable.parse(path).get_first_table().fields
    for field, c in zip(fields, COLUMNS, strict=True):
        assert (field.name, field.ucd, field.description) == (c.column, c.ucd, c.description)
        assert (field.unit or units.dimensionless_unscaled) == units.Unit(c.unit)
    assert {f.name: f.values.null for f in fields if f.values.null is not None} == {
        c.column: int(c.null) for c in COLUMNS if c.null not in ("yes", "no")
    }


def test_it_says_whether_it_is_simulated(path, tmp_path, rows):
    text = path.read_text(encoding="ascii")
    assert "<DESCRIPTION>SIMULATED: no star of this table exists" in text
    assert '<INFO name="simulated" value="yes"/>' in text
    votable.write(tmp_path / "real.vot", published(rows, simulated=False))
    text = (tmp_path / "real.vot").read_text(encoding="ascii")
    assert "SIMULATED" not in text
    assert '<INFO name="simulated" value="no"/>' in text


def test_positions_have_a_frame_and_the_data_an_origin(path):
    text = path.read_text(encoding="ascii")
    assert '<COOSYS ID="gaia" system="ICRS" epoch="J2015.5"/>' in text
    of = {
        system: [line.split('"')[1] for line in text.splitlines() if f'ref="{system}"' in line]
        for system in ("lamost", "gaia")
    }
    moving = ["pmra", "pmra_error", "pmdec", "pmdec_error"]
    assert of == {"lamost": ["ra", "dec"], "gaia": moving}
    assert "TIMESYS" not in text  # the catalog has no column of times
    infos = {i.name: i.value for i in astropy_votable.parse(path).resources[0].infos}
    assert infos["server_software"].startswith("obcat")
    assert infos["resource_version"] == infos["fingerprint"][:16]
    assert "bibcode:2021ApJS..253...22X" in infos["cites"]


def test_binary2_holds_what_tabledata_does_in_half_the_bytes(path, tmp_path):
    table = astropy_votable.parse(path)
    astropy_votable.writeto(table, str(tmp_path / "text.vot"), tabledata_format="tabledata")
    head = path.read_text(encoding="ascii").index("<DATA>")
    text = (tmp_path / "text.vot").read_text(encoding="utf-8")
    assert "<BINARY2>" in path.read_text(encoding="ascii")
    assert path.stat().st_size - head < 0.6 * (len(text) - text.index("<DATA>"))
    again, ours = Table.read(tmp_path / "text.vot"), Table.read(path)
    for name in NAMES:
        assert again[name].tolist() == ours[name].tolist() or name in {c.column for c in FLOATS}


def test_text_that_looks_like_xml_stays_text(tmp_path, rows):
    odd = {**rows, "label_source": ["<b>&'\"]]>", *rows["label_source"][1:]]}
    votable.write(tmp_path / "odd.vot", published(odd))
    assert Table.read(tmp_path / "odd.vot")["label_source"][0] == "<b>&'\"]]>"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("gaia_id", 0, "gaia_id: a star has 0"),
        ("em_flag", -9, "em_flag: a star has -9"),
        ("star_id", "\x1b[31m", "star_id.*plain text"),
    ],
)
def test_what_it_cannot_hold_stops(tmp_path, rows, column, value, message):
    with pytest.raises(ReleaseError, match=message):
        votable.write(tmp_path / "x.vot", published({**rows, column: [value, *rows[column][1:]]}))


@pytest.mark.parametrize("table", sorted({c.table for c in read_columns()}))
def test_every_declared_unit_and_ucd_is_one(table):
    for c in read_columns():
        if c.table == table and c.ucd:
            votable.check_column(c)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "magz"}, r"catalog\.ob_stars\.specid: .*magz"),
        ({"unit": "km//s"}, r"specid: "),
        ({"ucd": "phys.absMag"}, "specid: .*phys.absMag"),
        ({"ucd": "stat.max;pos.distance"}, "specid: .*stat.max"),
        ({"ucd": ""}, "specid: "),
    ],
)
def test_a_wrong_unit_or_ucd_stops(tmp_path, rows, change, message):
    catalog = published(rows)
    wrong = replace(catalog, columns=(replace(COLUMNS[0], **change), *COLUMNS[1:]))
    with pytest.raises(ReleaseError, match=message):
        votable.write(tmp_path / "x.vot", wrong)


def test_an_empty_catalog_is_a_table_without_rows(tmp_path):
    votable.write(tmp_path / "empty.vot", published({name: [] for name in NAMES}))
    assert len(Table.read(tmp_path / "empty.vot")) == 0
