"""Who may import whom, what is never imported, and the sizes that keep a module readable."""

import ast
import statistics
import sys
from pathlib import Path

import pytest

import obcat

PACKAGE = Path(obcat.__file__).parent
# ingest is a link to a folder beside the package
MODULES = sorted({path.relative_to(PACKAGE) for part in (".", "ingest") for path in (PACKAGE / part).rglob("*.py")})
HEAVY = {"astropy", "torch", "lightgbm", "matplotlib", "scipy", "astroquery", "emcee"}

# part -> what it may use besides the standard library and itself
MAY_USE = {
    "kernels": {"numpy", "scipy"},
    "fit": {"numpy", "scipy", "pyarrow", "torch", "lightgbm", "emcee", "obcat.kernels"},
    "export": {"numpy", "pyarrow", "duckdb", "astropy", "obcat.schema", "obcat.db", "obcat.model_file", "obcat.sums"},
    "model_file": {"numpy", "safetensors"},
    "sums": set(),
    "trust": {"obcat.sums"},
    "mock": {"numpy", "obcat.kernels"},
    "companions": {"numpy", "obcat.kernels"},
    "posterior": {"numpy", "obcat.kernels"},
    "spectra": {"numpy", "obcat.kernels"},
    "realism": {"numpy", "scipy", "astropy", "matplotlib", "obcat.kernels"},
    "report": {
        "numpy", "scipy", "pyarrow", "duckdb", "astropy", "matplotlib", "rich", "jinja2", "obcat.schema", "obcat.db",
        "obcat.companions", "obcat.mock", "obcat.posterior", "obcat.spectra",
    },
    "compare": {
        "numpy", "pyarrow", "duckdb", "matplotlib", "obcat.db", "obcat.export", "obcat.report", "obcat.schema",
    },
    "page": {
        "numpy", "pyarrow", "duckdb", "jinja2", "markupsafe", "obcat.db", "obcat.explain", "obcat.export",
        "obcat.kernels", "obcat.schema", "obcat.spectra",
    },
    "ingest": {
        "numpy", "scipy", "pyarrow", "astropy", "isal", "obcat", "obcat.schema", "obcat.seal", "obcat.survey",
        "obcat.kernels",
    },
    "schema": {"pyarrow"},
    "ddl": {"duckdb", "obcat.schema"},
    "db": {"duckdb", "obcat.schema"},
    "udf": {"numpy", "pyarrow", "obcat.kernels", "obcat.schema"},
    "query": {"duckdb", "pyarrow", "rich", "obcat.answers"},
    "answers": {"pyarrow", "rich", "obcat.astro_table"},
    "astro_table": {"numpy", "pyarrow", "astropy", "obcat.schema"},
    "catalog": {
        "numpy", "pyarrow", "astropy", "specutils", "obcat.astro_table", "obcat.kernels", "obcat.query",
        "obcat.schema", "obcat.trust",
    },
    "explain": {"duckdb", "numpy", "matplotlib", "obcat.kernels", "obcat.query", "obcat.schema"},
    "prediction": {
        "numpy", "pyarrow", "astropy", "obcat.astro_table", "obcat.db", "obcat.kernels", "obcat.observed",
        "obcat.model_file", "obcat.models", "obcat.udf",
    },
    "fetch": {
        "numpy", "pyarrow", "duckdb", "msgspec", "requests", "urllib3", "astropy", "astropy_healpix", "astroquery",
        "pyvo", "obcat", "obcat.ingest", "obcat.schema", "obcat.survey",
    },
    "progress": {"rich"},
    "survey": {"msgspec", "obcat.schema"},
    "models": {"numpy", "pyarrow", "duckdb", "safetensors", "obcat.fit", "obcat.db"},
    "inputs": {"pyarrow", "duckdb", "obcat.db", "obcat.ingest", "obcat.schema", "obcat.seal", "obcat.survey"},
    "seal": {"numpy", "pyarrow"},
    "observed": {"numpy", "astropy", "obcat.kernels"},
    "fitting": {"numpy", "pyarrow", "duckdb", "obcat", "obcat.models", "obcat.db", "obcat.fit"},
    "fingerprint": {"duckdb", "obcat", "obcat.db", "obcat.inputs", "obcat.models", "obcat.schema", "obcat.survey"},
    "lock": set(),
    "build": {
        "duckdb", "obcat", "obcat.db", "obcat.ddl", "obcat.inputs", "obcat.fingerprint", "obcat.fitting", "obcat.lock",
        "obcat.progress", "obcat.schema", "obcat.survey", "obcat.udf",
    },
    "cli": {
        "click", "duckdb", "obcat", "obcat.answers", "obcat.build", "obcat.compare", "obcat.db", "obcat.explain",
        "obcat.export", "obcat.fetch", "obcat.ingest", "obcat.lock", "obcat.page", "obcat.progress", "obcat.query",
        "obcat.realism", "obcat.report", "obcat.schema", "obcat.sums", "obcat.survey", "obcat.trust",
    },
    "__init__": {"numpy", "astropy", "obcat.catalog", "obcat.prediction"},  # in functions only
}  # fmt: skip


# where one file that is wrong in a way nobody thought of is put aside
BOUNDARIES = {Path("ingest/lamost/spectrum.py")}

# their types come from a library that the module must not import to name them
UNTYPED = {"cli/group.py: load", "query.py: show", "report/section.py: show"}


def part_of(module: Path) -> str:
    return module.parts[0].removesuffix(".py")


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
    body = [n for n in tree(module).body if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    body = [n for n in body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test))]
    return imported(ast.Module(body=body, type_ignores=[]))


def functions(module: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    lines = (function.end_lineno or 0) - function.lineno + 1
    return lines - ((first.end_lineno or 0) - first.lineno + 1 if doc else 0)


modules = pytest.mark.parametrize("module", MODULES, ids=str)


@modules
def test_uses_only_what_it_may(module):
    part = part_of(module)
    own = {f"obcat.{part}"}
    foreign = {name for name in imported(tree(module)) if name not in sys.stdlib_module_names} - own
    assert foreign <= MAY_USE[part]


@modules
def test_no_pickle(module):
    assert not imported(tree(module)) & {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
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
def test_a_module_is_one_chapter_of_at_most_400_lines(module):
    text = (PACKAGE / module).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(tree(module))


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
            given = [a for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs) if a.arg not in ("self", "cls")]
            if not f.name.startswith("_") and f"{module}: {f.name}" not in UNTYPED:
                assert f.returns is not None, f"{module}: {f.name}"
                assert all(a.annotation for a in given), f"{module}: {f.name}"


@modules
def test_nothing_heavy_at_module_level_where_the_command_line_reaches(module):
    reached = {"cli", "query", "answers", "progress", "schema", "survey", "db", "ddl", "__init__"}
    if part_of(module) in reached:
        assert not at_module_level(module) & HEAVY


def test_command_line_imports_everything_else_lazily():
    for module in sorted((PACKAGE / "cli").glob("*.py")):
        used = at_module_level(module.relative_to(PACKAGE)) - set(sys.stdlib_module_names)
        assert used <= {"click", "obcat.cli", "obcat.progress"}, module.name


def test_a_forbidden_import_would_be_seen():
    text = "from obcat import db\nimport duckdb.typing\ndef f():\n    from obcat.fit.pca import pca"
    assert imported(ast.parse(text)) == {"obcat.db", "duckdb", "obcat.fit"}
