"""Who may import whom, what is never imported, and the sizes that keep a module readable."""

import ast
import re
import statistics
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import obcat

PACKAGE = Path(obcat.__file__).parent
# ingest is a link to a folder beside the package
MODULES = sorted(
    {
        path.relative_to(PACKAGE)
        for part in (".", "ingest")
        for path in (PACKAGE / part).rglob("*.py")
    }
)
HEAVY = {"astropy", "torch", "lightgbm", "matplotlib", "scipy", "astroquery", "emcee"}

EVERYWHERE = {"obcat.errors"}  # but in kernels, which know arrays only

# part -> what it may use besides the standard library and itself
MAY_USE = {
    "kernels": {"numpy"},
    "fit": {
        "emcee", "lightgbm", "numpy", "pyarrow", "scipy", "torch", "obcat.arrow", "obcat.kernels",
        "obcat.machine", "obcat.statistics",
    },
    "__init__": {
        "obcat._version", "obcat.catalog", "obcat.explain", "obcat.models", "obcat.prediction",
        "obcat.query", "obcat.reading",
    },
    "_version": set(),
    "arrow": {"numpy", "pyarrow"},
    "batch": {"numpy", "pyarrow", "obcat.arrow", "obcat.schema", "obcat.udf"},
    "build": {
        "duckdb", "numpy", "pyarrow", "obcat._version", "obcat.checksums", "obcat.data", "obcat.db",
        "obcat.files", "obcat.fit", "obcat.ingest", "obcat.kernels", "obcat.machine",
        "obcat.models", "obcat.progress", "obcat.schema", "obcat.batch", "obcat.survey",
        "obcat.udf",
    },
    "catalog": {
        "astropy", "duckdb", "matplotlib", "numpy", "pyarrow", "specutils", "obcat.build",
        "obcat.db", "obcat.explain", "obcat.kernels", "obcat.query", "obcat.reading",
        "obcat.samples", "obcat.schema",
    },
    "checksums": {"numpy", "pyarrow"},
    "cli": {
        "click", "duckdb", "obcat.build", "obcat.checksums", "obcat.compare", "obcat.db", "obcat.evaluate",
        "obcat.explain", "obcat.export", "obcat.files", "obcat.ingest", "astropy", "obcat.machine",
        "obcat.models", "obcat.own_files", "obcat.page", "obcat.partition", "obcat.prediction",
        "obcat.progress", "obcat.query", "obcat.reading", "obcat.real_stars", "obcat.realism",
        "obcat.report", "obcat.samples", "obcat.schema", "obcat.simulate", "obcat.steps",
        "obcat.survey",
    },
    "compare": {
        "matplotlib", "numpy", "pyarrow", "obcat.arrow", "obcat.evaluate", "obcat.export",
        "obcat.files", "obcat.ingest", "obcat.reading", "obcat.report", "obcat.schema",
        "obcat.section", "obcat.statistics",
    },
    "data": set(),
    "db": {"duckdb", "obcat.schema"},
    "errors": set(),
    "evaluate": {
        "duckdb", "numpy", "pyarrow", "scipy", "obcat.arrow", "obcat.data", "obcat.kernels",
        "obcat.reading", "obcat.section", "obcat.statistics",
    },
    "explain": {
        "astropy", "duckdb", "matplotlib", "numpy", "obcat.kernels", "obcat.models",
        "obcat.reading", "obcat.schema", "obcat.section",
    },
    "export": {
        "astropy", "astropy_healpix", "duckdb", "jinja2", "numpy", "pyarrow", "obcat.checksums", "obcat.db",
        "obcat.files", "obcat.kernels", "obcat.models", "obcat.reading", "obcat.schema",
    },
    "files": {"obcat.checksums"},
    "ingest": {
        "astropy", "astropy_healpix", "numpy", "pyarrow", "scipy", "obcat._version", "obcat.checksums", "obcat.files",
        "obcat.kernels", "obcat.machine", "obcat.schema", "obcat.survey",
    },
    "ingest/fetch": {
        "astropy", "astropy_healpix", "astroquery", "duckdb", "msgspec", "numpy", "pyarrow", "pyvo",
        "requests", "urllib3", "obcat._version", "obcat.files", "obcat.ingest", "obcat.schema",
        "obcat.survey",
    },
    "machine": {"msgspec"},
    "models": {
        "duckdb", "numpy", "pyarrow", "safetensors", "obcat.checksums", "obcat.db", "obcat.files",
        "obcat.fit",
    },
    "own_files": {
        "astropy", "numpy", "specutils", "obcat.ingest", "obcat.kernels", "obcat.prediction",
    },
    "page": {
        "duckdb", "jinja2", "markupsafe", "numpy", "obcat.arrow", "obcat.db", "obcat.export",
        "obcat.files", "obcat.kernels", "obcat.models", "obcat.reading", "obcat.schema",
    },
    "partition": {
        "dask", "distributed", "duckdb", "msgspec", "numpy", "pyarrow",
        "obcat._version", "obcat.build",
        "obcat.checksums", "obcat.db", "obcat.files", "obcat.ingest", "obcat.kernels",
        "obcat.machine", "obcat.schema", "obcat.survey",
    },
    "prediction": {
        "astropy", "numpy", "pyarrow", "obcat.arrow", "obcat.data", "obcat.kernels", "obcat.models",
        "obcat.query", "obcat.reading", "obcat.steps", "obcat.udf",
    },
    "progress": {"rich"},
    "query": {
        "astropy", "duckdb", "numpy", "pyarrow", "pyvo", "rich", "obcat.arrow", "obcat.db",
        "obcat.files", "obcat.reading", "obcat.schema",
    },
    "reading": {
        "duckdb", "numpy", "obcat.arrow", "obcat.checksums", "obcat.db", "obcat.models",
        "obcat.schema",
    },
    "real_stars": {
        "astropy", "numpy", "obcat.data", "obcat.ingest", "obcat.kernels", "obcat.prediction",
        "obcat.section", "obcat.statistics",
    },
    "realism": {
        "matplotlib", "numpy", "scipy", "obcat.files", "obcat.ingest", "obcat.kernels",
        "obcat.statistics",
    },
    "report": {
        "corner", "jinja2", "matplotlib", "numpy", "obcat.evaluate", "obcat.files", "obcat.kernels",
        "markupsafe", "obcat.reading", "obcat.section", "obcat.statistics",
    },
    "samples": {
        "astropy", "duckdb", "numpy", "pyarrow", "obcat.arrow", "obcat.explain", "obcat.files",
        "obcat.kernels", "obcat.query", "obcat.reading", "obcat.schema",
    },
    "schema": {"pyarrow"},
    "section": {"numpy", "rich", "obcat.schema"},
    "simulate": {
        "astropy", "isal", "numpy", "pyarrow", "scipy", "obcat.checksums", "obcat.data",
        "obcat.files", "obcat.kernels", "obcat.machine", "obcat.statistics",
    },
    "statistics": {"numpy"},
    "steps": {
        "numpy", "pyarrow", "obcat.batch", "obcat.models", "obcat.reading", "obcat.schema",
        "obcat.udf",
    },
    "survey": {"msgspec", "obcat.machine", "obcat.schema"},
    "trust": set(),
    "udf": {"numpy", "obcat.kernels", "obcat.schema"},
}  # fmt: skip


# where one file that is wrong in a way nobody thought of is put aside
BOUNDARIES = {Path("ingest/lamost/spectrum.py")}

# their types come from a library that the module must not import to name them
UNTYPED = {"cli/group.py: load", "query/sql.py: show"}


def part_of(module: Path) -> str:
    within = "/".join(module.parts[:2])
    return within if within in MAY_USE else module.parts[0].removesuffix(".py")


def text_of(module: Path) -> str:
    return (PACKAGE / module).read_text(encoding="utf-8")


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def imported(nodes: ast.AST) -> set[str]:
    """Names of modules imported: 'numpy', 'obcat.schema'; 'from obcat import db' is 'obcat.db'."""
    names: set[str] = set()
    for node in ast.walk(nodes):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import"
            below = {f"obcat.{alias.name}" for alias in node.names if module_exists(alias.name)}
            names |= below if node.module == "obcat" and below else {node.module or ""}
    return {".".join(name.split(".")[: 2 if name.startswith("obcat") else 1]) for name in names}


def module_exists(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def at_module_level(module: Path) -> set[str]:
    """What importing the module imports: imports that stand in a function do not count."""
    body = [
        n
        for n in tree(module).body
        if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    body = [
        n for n in body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test))
    ]
    return imported(ast.Module(body=body, type_ignores=[]))


def functions(module: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    doc = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    lines = (function.end_lineno or 0) - function.lineno + 1
    return lines - ((first.end_lineno or 0) - first.lineno + 1 if doc else 0)


modules = pytest.mark.parametrize("module", MODULES, ids=str)


@modules
def test_uses_only_what_it_may(module):
    part = part_of(module)
    own = {f"obcat.{part}"}
    foreign = {name for name in imported(tree(module)) if name not in sys.stdlib_module_names} - own
    assert foreign <= MAY_USE[part] | (set() if part == "kernels" else EVERYWHERE)


@modules
def test_no_pickle(module):
    assert not imported(tree(module)) & {
        "pickle",
        "joblib",
        "dill",
        "cloudpickle",
        "shelve",
        "marshal",
    }
    assert "allow_pickle=True" not in (PACKAGE / module).read_text(encoding="utf-8")
    assert "weights_only=False" not in (PACKAGE / module).read_text(encoding="utf-8")


@modules
def test_no_print(module):
    if part_of(module) not in ("progress", "cli"):
        calls = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]


@modules
def test_no_bare_or_broad_except(module):
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            if module not in BOUNDARIES:
                assert ast.unparse(node.type) not in ("Exception", "BaseException")


@modules
def test_nothing_changes_at_import(module):
    """Module level holds names only: no loops, no files opened, no calls for their effect."""
    for node in tree(module).body:
        assert not isinstance(node, ast.For | ast.While | ast.With), ast.unparse(node)[:60]
        call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        assert not call, ast.unparse(node)[:60]


@modules
def test_a_module_is_a_chapter_of_at_most_400_lines(module):
    text = (PACKAGE / module).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(tree(module))


def test_a_truth_is_read_by_one_module_alone():
    """What a simulation knows of its stars comes in through evaluate/truth.py:
    a build can never see it.
    """
    readers = {
        str(module)
        for module in MODULES
        if "simulate" not in module.parts
        and re.search(r"read_table\(|(visits|stars)\.parquet", text_of(module))
        and "truth" in text_of(module)
    }
    assert readers == {"evaluate/truth.py"}
    judges = {part_of(m) for m in MODULES if "obcat.evaluate" in imported(tree(m))}
    assert judges <= {"evaluate", "report", "compare", "cli"}


def test_one_module_reads_the_arrays_of_models():
    found = {str(m) for m in MODULES if re.search(r"FROM model\.arrays", text_of(m), re.IGNORECASE)}
    assert found == {"models.py"}
    assert not [
        p.name
        for p in (PACKAGE / "sql").rglob("*.sql")
        if "model.arrays" in p.read_text(encoding="utf-8")
    ]


@modules
def test_a_query_of_more_than_two_lines_is_a_file(module):
    """Under sql/, where the tests of headers see it."""
    assert long_queries(tree(module)) == []


def long_queries(nodes: ast.AST) -> list[str]:
    """Texts with a SELECT that take more than two lines, by their own or by those of the module."""
    texts = [n for n in ast.walk(nodes) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [
        n.value
        for n in texts
        if re.search(r"\bSELECT\b[^:]*\bFROM\b", n.value, re.DOTALL)
        and max(n.value.count("\n"), (n.end_lineno or 0) - n.lineno) > 1
    ]


def test_a_long_query_would_be_seen():
    assert long_queries(ast.parse('q = ("SELECT a "\n "FROM b "\n "WHERE c")'))
    assert long_queries(ast.parse("""q = "SELECT a\\nFROM b\\nWHERE c" """))
    assert not long_queries(ast.parse('q = ("SELECT a FROM b "\n "WHERE c")'))


# basenames that stand twice: twins of kernels and fit, parallel rooms; can only shrink
TWINS = {
    "archives",
    "binaries",
    "emission",
    "errors",
    "labels",
    "line_strengths",
    "luminosity",
    "mixed_model",
    "magnitudes",
    "pca",
    "spectrum",
    "survey",
    "truth",
    "votable",
}
# names that more than two modules have: one thing in several formats; the list can only shrink
SHARED = {
    "Recipe",
    "check",
    "ingest",
    "opened",
    "provenance",
    "read",
    "text",
    "velocities",
    "write",
}
LONGEST_CHAIN = 14  # links, from the command to the ground


def public_names(module: Path) -> list[str]:
    defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [node.name for node in tree(module).body if isinstance(node, defined)]
    return [name for name in found if not name.startswith("_")]


@modules
def test_helpers_begin_with_an_underscore(module):
    """Whatever does not is in ``__all__``; a command is named by its function."""
    listed: set[str] = set()
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed = set(ast.literal_eval(node.value))
    assert part_of(module) == "cli" or set(public_names(module)) <= listed


def test_a_name_stands_in_two_modules_at_most():
    homes = Counter(name for m in MODULES if part_of(m) != "cli" for name in public_names(m))
    assert {name for name, n in homes.items() if n > 2} == SHARED


def test_a_basename_stands_once():
    homes = Counter(m.stem for m in MODULES if not m.stem.startswith("__"))
    assert {stem for stem, n in homes.items() if n > 1} == TWINS


def test_a_room_shows_no_name_that_one_of_its_modules_has():
    """Else what ``obcat.room.name`` is hangs on what was imported before."""
    for module in (m for m in MODULES if m.name == "__init__.py" and part_of(m) != "cli"):
        beside = {path.stem for path in (PACKAGE / module).parent.glob("*.py")}
        taken = {
            alias.asname or alias.name
            for node in tree(module).body
            if isinstance(node, ast.ImportFrom) and node.module != _room_of(module)
            for alias in node.names
        }
        assert not beside & {*taken, *public_names(module)}, str(module)


def _room_of(module: Path) -> str:
    return ".".join(("obcat", *module.parent.parts))


def test_chains_of_imports_are_short_and_no_circle():
    """Imports in functions count too: what a stranger must open to know what a module does."""
    graph = {name: _imports(path) for name, path in _paths().items()}
    depth: dict[str, int] = {}

    def below(name: str, above: tuple[str, ...] = ()) -> int:
        assert name not in above, f"a circle: {' > '.join((*above, name))}"
        if name not in depth:
            depth[name] = 1 + max((below(n, (*above, name)) for n in graph[name]), default=0)
        return depth[name]

    assert max(map(below, graph)) - 1 <= LONGEST_CHAIN


def _paths() -> dict[str, Path]:
    dotted = {m: ".".join(("obcat", *m.with_suffix("").parts)) for m in MODULES}
    return {name.removesuffix(".__init__"): m for m, name in dotted.items()}


def _imports(module: Path) -> set[str]:
    known, own = _paths(), ".".join(("obcat", *module.with_suffix("").parts))
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module or "" for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & set(known)) - {own.removesuffix(".__init__")}


@modules
def test_lines_have_at_most_100_characters(module):
    """But for texts that are for readers of another kind: pages, letters, tables in a string."""
    text = text_of(module)
    inside = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    docs = {
        line
        for n in _documented(ast.parse(text))
        for line in range(n.lineno, (n.end_lineno or 0) + 1)
    }
    long = {i for i, line in enumerate(text.splitlines(), 1) if len(line) > 100}
    assert not long - (inside - docs)


def _documented(nodes: ast.Module) -> list[ast.expr]:
    kinds = ast.Module | ast.FunctionDef | ast.ClassDef
    firsts = [n.body[0] for n in ast.walk(nodes) if isinstance(n, kinds) and n.body]
    return [
        f.value for f in firsts if isinstance(f, ast.Expr) and isinstance(f.value, ast.Constant)
    ]


def test_a_stranger_opens_at_most_180_modules():
    assert len(MODULES) <= 180


def test_a_room_has_at_most_25_modules():
    rooms = Counter(module.parent for module in MODULES)
    assert not {room: n for room, n in rooms.items() if n > 25}


@modules
def test_nothing_is_left_undone(module):
    text = (PACKAGE / module).read_text(encoding="utf-8")
    for word in ("TODO", "FIXME", "XXX", "NotImplementedError", "breakpoint("):
        assert word not in text


def test_functions_are_short():
    sizes = sorted(length(f) for module in MODULES for f in functions(module))
    assert statistics.median(sizes) <= 8
    assert sizes[int(len(sizes) * 0.9)] < 20
    assert sizes[-1] <= 50  # two kernels whose signature alone takes 20 lines


def test_public_functions_are_typed():
    for module in MODULES:
        for f in functions(module):
            given = [
                a
                for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)
                if a.arg not in ("self", "cls")
            ]
            if not f.name.startswith("_") and f"{module}: {f.name}" not in UNTYPED:
                assert f.returns is not None, f"{module}: {f.name}"
                assert all(a.annotation for a in given), f"{module}: {f.name}"


@modules
def test_nothing_heavy_at_module_level_where_the_command_line_reaches(module):
    reached = {"cli", "query", "progress", "schema", "survey", "db", "__init__"}
    reached = {
        "cli",
        "query",
        "answers",
        "parameters",
        "progress",
        "schema",
        "survey",
        "db",
        "ddl",
        "__init__",
    }
    if part_of(module) in reached:
        assert not at_module_level(module) & HEAVY


@modules
def test_what_trains_is_imported_by_few_modules_and_in_functions(module):
    """The extra build; everything else works without it."""
    trainers = {
        "torch": {"fit/network.py", "fit/parallax_network.py", "fit/parallax_globals.py"},
        "lightgbm": {"fit/labels.py"},
        "emcee": {"fit/likelihood.py"},
    }
    assert not at_module_level(module) & trainers.keys()
    used = imported(tree(module)) & trainers.keys()
    assert all(module.as_posix() in trainers[name] for name in used)


def test_command_line_imports_everything_else_lazily():
    for module in sorted((PACKAGE / "cli").glob("*.py")):
        used = at_module_level(module.relative_to(PACKAGE)) - set(sys.stdlib_module_names)
        assert used <= {"click", "obcat.cli", "obcat.errors", "obcat.progress"}, module.name


def test_a_forbidden_import_would_be_seen():
    text = "from obcat import db\nimport duckdb.typing\ndef f():\n    from obcat.fit.pca import pca"
    assert imported(ast.parse(text)) == {"obcat.db", "duckdb", "obcat.fit"}
