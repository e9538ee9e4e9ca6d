"""The code a result hangs on: modules and all that they import, found by reading, never by running."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

__all__ = ["code_hash", "reached"]

PACKAGE = Path(__file__).parents[1]
Module = tuple[str, Path]


def code_hash(*modules: str) -> str:
    """SHA-256 of modules ('obcat.build.run') and of every module of the package that they reach."""
    digest = hashlib.sha256()
    for name, path in reached(*modules).items():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def reached(*modules: str) -> dict[str, Path]:
    """Name -> file of the modules and of what they import, in a function or not; ordered by name.

    What is imported for its types alone does not count, nor does the face of the package, which
    imports what it shows and decides nothing. Raises ModuleNotFoundError where one of ``modules``
    is no module of the package.
    """
    found: dict[str, Path] = {}
    waiting = [module for name in modules for module in _chapters(name)]
    missing = set(modules) - {name for name, _ in waiting}
    if missing:
        raise ModuleNotFoundError(f"no module {min(missing)}")
    while waiting:
        name, path = waiting.pop()
        if name not in found:
            found[name] = path
            waiting += [m for imported in _imported(name, path) for m in _chapters(imported)]
    return dict(sorted(found.items()))


def _chapters(name: str) -> list[Module]:
    """The module and the packages around it, which run before it; none of a name of no module."""
    root, *parts = name.split(".")
    if root != PACKAGE.name:
        return []
    chain = [
        (".".join([root, *parts[:n]]), PACKAGE.joinpath(*parts[:n]))
        for n in range(1, len(parts) + 1)
    ]
    files = [(dotted, _file(path)) for dotted, path in chain]
    return [(dotted, path) for dotted, path in files if path]


def _file(path: Path) -> Path | None:
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def _imported(name: str, path: Path) -> Iterator[str]:
    """Names that the imports of a module may mean; some are functions of a module, not modules."""
    here = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), here)
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs; what stands below ``if TYPE_CHECKING`` does not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _statements(node)
