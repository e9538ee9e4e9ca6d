"""columns.csv and tables.csv: names, types, units and UCDs that other programs accept,
and no loose ends.
"""

import csv
import re
import warnings

import pytest
from astropy import units
from astropy.io.votable.ucd import parse_ucd

from obcat.schema import (
    ARROW,
    SQL,
    arrow_schema,
    column,
    columns_of,
    printed,
    read_columns,
    read_parameters,
    read_tables,
)

# Xiang et al. 2021, Table 1
TABLE_1 = [
    "specid",
    "fitsname",
    "ra",
    "dec",
    "uniqflag",
    "star_id",
    "snr_g",
    "rv",
    "rv_err",
    "mk",
    "mk_err",
    "mk_geo",
    "mk_geo_err",
    "dis",
    "dis_low",
    "dis_high",
    "logdis",
    "logdis_err",
    "ebv",
    "ebv_err",
    "snr_dparallax",
    "binary_flag",
    "em_flag",
    "gaia_id",
    "parallax",
    "parallax_error",
    "parallax_offset",
    "pmra",
    "pmra_error",
    "pmdec",
    "pmdec_error",
    "ruwe",
    "j",
    "j_err",
    "h",
    "h_err",
    "ks",
    "ks_err",
    "x",
    "y",
    "z",
]
COLUMNS = read_columns()
NAME = re.compile(r"[a-z][a-z0-9_]*")
FORMAT = re.compile(r"(A\d+|I\d+|[FE]\d+\.\d+|)")
INTEGERS = ("BIGINT", "INTEGER", "SMALLINT")


def test_catalog_begins_with_table_1():
    assert len(TABLE_1) == 41
    assert [c.column for c in columns_of("catalog.ob_stars")][:41] == TABLE_1


def test_every_unit_is_a_unit():
    for unit in {c.unit for c in COLUMNS if c.unit}:
        with warnings.catch_warnings():
            # VOUnit would rather have 0.1 nm
            warnings.filterwarnings(
                "ignore", "The unit 'Angstrom' has been deprecated", units.UnitsWarning
            )
            units.Unit(unit, format="vounit", parse_strict="raise")


def test_units_of_the_catalog_can_be_written_to_fits():
    for unit in {c.unit for c in columns_of("catalog.ob_stars") if c.unit}:
        text = units.Unit(unit).to_string("fits")
        assert units.Unit(text, format="fits", parse_strict="raise") == units.Unit(unit)


def test_every_column_has_a_ucd_of_the_controlled_vocabulary():
    for ucd in {c.ucd for c in COLUMNS}:
        assert ucd
        parse_ucd(ucd, check_controlled_vocabulary=True, has_colon=True)


@pytest.mark.parametrize("ucd", ["phys.absMag", "meta.flag", "stat.min", "em.line"])
def test_a_wrong_ucd_is_seen(ucd):
    with pytest.raises(ValueError, match=r"\w"):
        parse_ucd(ucd, check_controlled_vocabulary=True, has_colon=True)


def test_catalog_columns_have_a_format():
    for c in columns_of("catalog.ob_stars"):
        assert c.format, c


@pytest.mark.parametrize("c", COLUMNS, ids=lambda c: f"{c.table}.{c.column}")
def test_column(c):
    assert NAME.fullmatch(c.column)
    assert c.type.partition("[")[0] in ARROW
    assert c.null in ("yes", "no") or (c.type in INTEGERS and re.fullmatch(r"0|-[1-9]\d*", c.null))
    assert FORMAT.fullmatch(c.format)
    assert {"VARCHAR": "A", "DOUBLE": "FE", "FLOAT": "FE"}.get(c.type, "I ").find(c.format[:1]) >= 0
    assert c.description == c.description.strip()
    assert c.description
    assert not c.description.endswith(".")
    assert c.description.isascii()
    assert c.description.isprintable()
    for bound in (c.min, c.max):
        assert bound == "" or float(bound) == float(bound)


@pytest.mark.parametrize(
    "c", [c for c in COLUMNS if c.null not in ("yes", "no")], ids=lambda c: f"{c.table}.{c.column}"
)
def test_value_for_null_is_no_value(c):
    assert c.min == "" or int(c.null) < float(c.min)


def test_every_nullable_integer_of_the_catalog_has_a_value_for_null():
    for c in columns_of("catalog.ob_stars"):
        assert c.type not in INTEGERS or c.null != "yes", c.column
        assert c.type != "BOOLEAN", c.column


def test_names_are_unique_within_a_table():
    names = [(c.table, c.column) for c in COLUMNS]
    assert len(names) == len(set(names))


def test_columns_and_tables_name_the_same_tables():
    assert {c.table for c in COLUMNS} == set(read_tables())


def test_keys_are_columns_without_null():
    for table in read_tables().values():
        assert table.kind in ("table", "view")
        for key in table.key.split():
            assert column(f"{table.table}.{key}").required, table


def test_parameters_say_paper_or_assumed():
    for c in columns_of("meta.parameters"):
        assert re.match(r"(paper, section \d|assumed[ :(])", c.description), c
        assert c.required, c


@pytest.mark.parametrize("p", read_parameters().values(), ids=lambda p: p.name)
def test_parameter(p):
    assert p.status in ("paper", "assumed")
    assert p.where.startswith("section ") or p.status == "assumed"
    assert ":" not in p.where
    assert p.meaning == p.meaning.strip() != ""
    assert float(p.min) <= float(p.value) <= float(p.max)
    assert p.fault(float(p.value)) is None
    assert p.fault(float(p.min) - 1).endswith(
        f"is not in its range, {printed(float(p.min))} to {printed(float(p.max))}"
    )
    assert "not in its range" in p.fault(float(p.max) * 2 + 1)
    assert (p.type == "INTEGER") == ("whole number" in str(p.fault(float(p.value) + 0.5)))


def test_a_parameter_says_where_its_value_is_from():
    p = read_parameters()["binary_nsigma"]
    assert p.said(2) == "paper, section 6: parallax excess above which a star is a binary"
    assert p.said(2.5).startswith("survey, in place of 2, paper, section 6: parallax excess")
    assert (
        read_parameters()["colour_teff"]
        .said(2e4)
        .startswith("assumed (the text lost the number): ")
    )


def test_descriptions_have_the_numbers_of_the_method():
    flag = column("catalog.ob_stars.binary_flag")
    assert "(snr_dparallax > 2)" in flag.description
    assert "(snr_dparallax > 3)" in flag.said({"binary_nsigma": "3"})
    assert not [c for c in COLUMNS if "{" in c.description]
    assert "DR2" not in column("catalog.ob_stars.gaia_id").description


def test_a_column_means_the_same_everywhere():
    """A column that the catalog copies keeps type, unit and UCD on its way."""
    for c in columns_of("catalog.ob_stars"):
        for other in COLUMNS:
            if other.column == c.column and other.table in (
                "luminosity.magnitudes",
                "binarity.excess",
                "emission.lines",
            ):
                assert (other.type, other.unit, other.ucd) == (c.type, c.unit, c.ucd), other


def test_a_blank_description_is_that_of_the_first_column_of_the_name():
    with (SQL / "schema" / "columns.csv").open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    first: dict[str, str] = {}
    for row in rows:
        written = row["description"]
        assert written or row["column"] in first, row
        assert written != first.get(row["column"]), row  # written once, inherited elsewhere
        found = column(f"{row['table']}.{row['column']}")
        assert found.template == written or (not written and found.template == first[row["column"]])
        first.setdefault(row["column"], written)
    assert sum(not row["description"] for row in rows) > 100


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(KeyError, match=r"did you mean 'raw.gaia_dr2'"):
        columns_of("raw.gaia_d2")
    with pytest.raises(KeyError, match="did you mean 'parallax'"):
        column("catalog.ob_stars.paralax")


def test_arrow_schema_carries_sizes_and_nullability():
    schema = arrow_schema("raw.spectra")
    assert str(schema.field("flux").type) == "fixed_size_list<item: float>[3909]"
    assert not schema.field("specid").nullable
    assert str(arrow_schema("model.arrays").field("shape").type) == "list<item: int32>"
