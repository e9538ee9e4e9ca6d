"""What the header of a SQL file says is what the file does; a layer reads only what is below it."""

import re
from itertools import pairwise

import duckdb
import pytest

from obcat import db
from obcat.schema import MODES, SQL, columns_of, read_tables
from obcat.udf import UDFS

FILES = db.sql_files()
CHECKS = db.sql_files(db.CHECKS)
ASKED = ("queries", "explain", "evaluate", "partition", "report", "page", "star")
QUERIES = [db.SqlFile(path) for folder in ASKED for path in sorted((SQL / folder).glob("*.sql"))]
FIELDS = ["Title", "Grain", "Reads", "UDFs", "Fit", "Spectra", "Parameters", "Mode", "Paper"]
MADE_BY_BUILD = {"meta.provenance", "meta.steps", "model.fits", "model.arrays"}
MACROS = {"00_meta/20_macros", "00_meta/21_user_macros", "00_meta/22_sky_macros"}
LONGEST = {
    "catalog.ob_stars": 90,
    "catalog.ob_stars_best": 100,
    "catalog.quality": 75,
}  # one line a column, one line a bit


def named(file: db.SqlFile) -> str:
    return file.name


files = pytest.mark.parametrize("file", FILES, ids=named)
all_files = pytest.mark.parametrize("file", [*FILES, *CHECKS, *QUERIES], ids=named)


def header_fields(file: db.SqlFile) -> list[str]:
    """The fields of the comment lines before the first line of SQL."""
    lines = []
    for line in file.text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line)
    return [m.group(1) for line in lines if (m := re.match(r"-- (\w+):", line))]


def code(text: str) -> str:
    """SQL without comments and strings."""
    return re.sub(
        r"--[^\n]*|'(?:[^']|'')*'", lambda m: "''" if m.group().startswith("'") else "", text
    )


def relations(text: str) -> set[str]:
    """Every declared relation, model table and input that SQL names, but not the one it makes."""
    body = re.sub(r"(INSERT INTO|CREATE VIEW) \S+", "", code(text))
    schemas = {name.partition(".")[0] for name in read_tables()}
    called = re.compile(rf"\b((?:{'|'.join(schemas)})\.\w+)\b(?!\s*\()")
    return set(called.findall(body)) | set(re.findall(r"\binput_\w+", body))


def calls(text: str) -> set[str]:
    return {name for name in UDFS if re.search(rf"(?<![\w.]){name}\(", code(text))}


def reads(file: db.SqlFile) -> set[str]:
    return set(file.header("Reads"))


def made_by(file: db.SqlFile) -> set[str]:
    if file.header("Fit"):
        return {name for name in read_tables() if name.startswith("model.")}
    return {file.relation}


@all_files
def test_header_has_the_fields_in_order(file):
    found = header_fields(file)
    order = [f for f in (*FIELDS[:1], "Level", *FIELDS[1:]) if f in found]
    assert found == order
    assert found[0] == "Title"
    for field in found:
        assert file.header(field), field


@files
def test_build_file_says_its_grain(file):
    assert "Grain" in header_fields(file)


@pytest.mark.parametrize("file", CHECKS, ids=named)
def test_check_says_its_level(file):
    assert file.header("Level") in {("fail",), ("warn",)}


@all_files
def test_reads_are_the_relations_named(file):
    assert reads(file) == relations(file.text) | set(file.header("Spectra"))


@all_files
def test_udfs_are_the_udfs_called(file):
    assert set(file.header("UDFs")) == calls(file.text)


@files
def test_file_makes_the_relation_it_is_named_after(file):
    if file.name in MACROS:
        assert set(re.findall(r"^CREATE (\w+)", code(file.text), re.MULTILINE)) == {"MACRO"}
    elif file.header("Fit"):
        assert code(file.text).split()[0] in ("SELECT", "WITH", "FROM")
        assert file.path.stem.partition("_fit_")[2]
    else:
        kind = read_tables()[file.relation].kind
        verb = "INSERT INTO" if kind == "table" else "CREATE VIEW"
        assert re.findall(r"(INSERT INTO|CREATE VIEW) ([\w.]+)", code(file.text)) == [
            (verb, file.relation)
        ]
        assert (
            kind == "view"
            or f"INSERT INTO {file.relation} BY NAME" in file.text
            or "VALUES" in file.text
        )


@all_files
def test_one_statement(file):
    statements = duckdb.extract_statements(file.text)
    assert len(statements) == 1 or file.name in MACROS
    if file in CHECKS or file in QUERIES:
        assert statements[0].type == duckdb.StatementType.SELECT


@all_files
def test_file_is_short(file):
    lines = [line for line in file.text.splitlines() if line.strip() and not line.startswith("--")]
    assert len(lines) <= LONGEST.get(file.relation, 60)
    assert max(map(len, lines)) <= 120


@files
def test_reads_only_what_is_made_before(file):
    earlier = FILES[: FILES.index(file)]
    made = {name for other in earlier for name in made_by(other)}
    inputs = {name for name in relations(file.text) if name.startswith("input_")}
    assert reads(file) - inputs <= made or file.name in MACROS  # a macro reads when it is called
    assert not inputs or file.path.parent.name in ("00_meta", "05_reference", "10_raw")


def test_paper_mode_reads_nothing_that_best_mode_makes():
    """With [build] modes = ["paper"] the steps of best mode do not run."""
    best = {file.relation for file in FILES if file.mode == "best"}
    assert best >= {"reddening.dust", "lines.emission", "catalog.ob_stars_best"}
    for file in [*FILES, *CHECKS]:
        assert file.mode in MODES
        assert file.mode == "best" or not reads(file) & best, file.name


def test_every_relation_is_made_by_one_file():
    made = [name for file in FILES for name in made_by(file) if not file.header("Fit")]
    assert len(made) == len(set(made))
    declared = {name for name in read_tables() if not name.startswith("model.")}
    macros = {file.relation for file in FILES if file.name in MACROS}
    assert set(made) - macros | MADE_BY_BUILD >= declared
    assert declared | macros >= set(made)


def test_order_of_numbers_is_the_order_of_layers():
    numbers = [int(file.path.parent.name[:2]) for file in FILES]
    assert all(a <= b for a, b in pairwise(numbers))


@files
def test_no_star_across_layers(file):
    text = code(file.text)
    names = dict.fromkeys(re.findall(r"(?:FROM|JOIN)\s+([\w.]+)(?!\s+AS)", text))
    names |= {
        alias: source
        for source, alias in re.findall(r"(?:FROM|JOIN)\s+([\w.]+)\s+AS\s+(\w+)", text)
    }
    starred = [names.get(alias) or alias for alias in re.findall(r"\b(\w+)\.\*", text)]
    starred += re.findall(r"SELECT\s+\*[^;]*?\bFROM\s+([\w.]+)", text)
    starred += re.findall(r"(?:^|(?<!EXISTS )\()\s*FROM\s+([\w.]+)", text)
    own = file.relation.partition(".")[0]
    foreign = [name for name in starred if name and "." in name and not name.startswith(f"{own}.")]
    assert not foreign or file.name in MACROS  # cone() gives every column of the catalog


@files
def test_nothing_that_lasts_calls_a_udf(file):
    if not code(file.text).lstrip().startswith(("INSERT INTO", "CREATE TABLE")):
        assert not calls(file.text)


@files
def test_fit_names_a_function_and_parameters_that_exist(file):
    declared = {c.column for c in columns_of("meta.parameters")}
    assert set(file.header("Parameters")) <= declared
    if file.header("Fit"):
        module, _, function = file.header("Fit")[0].partition(".")
        source = (SQL.parent / "fit" / f"{module}.py").read_text(encoding="utf-8")
        assert f"def {function}(read, parameters, models" in source.replace("\n    ", " ").replace(
            "( ", "("
        ) or (re.search(rf"^def {function}\(", source, re.MULTILINE))
        assert file.text.rstrip().rpartition("ORDER BY")[2].count("\n") == 1


def test_every_parameter_is_used():
    used = {name for udf in UDFS.values() for name in udf.parameters}
    used |= {name for file in FILES for name in file.header("Parameters")}
    text = " ".join(code(file.text) for file in [*FILES, *CHECKS])
    used |= set(re.findall(r"\bp\.(\w+)", text))
    assert used >= {c.column for c in columns_of("meta.parameters")}


def test_faults_in_a_header_are_seen():
    text = (
        "SELECT a, sum(b) FROM stage.gaia AS g -- raw.labels\nJOIN input_files WHERE x = "
        "'raw.apass'"
    )
    assert relations(text) == {"stage.gaia", "input_files"}
    assert calls("SELECT unnest(distance(a)), s.distance(b), my_distance(c)") == {"distance"}
    assert calls("-- distance(x)\nSELECT dis") == set()
