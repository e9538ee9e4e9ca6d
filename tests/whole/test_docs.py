"""Every block of README.md and docs/ runs, in the order in which a reader meets it; the site builds
without a warning.

The blocks run in a copy of the checkout, whose survey has 180 stars and the parameters of
tests/whole/small.py, where `make catalog` finds it. One rule changes what is run: `make` gets
STARS=180, and its targets that set up, take minutes or test (setup, dev, demo, test, lint, bench,
lock, clean, distclean) are only planned (--dry-run). A block after the comment <!-- network --> is
not run; the tests list it as skipped. A block that is no shell may have no command in it.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from obcat.schema import columns_of
from obcat.survey import load
from tests.whole.small import N_STARS, PARAMETERS, ROOT, copy_build

pytestmark = pytest.mark.slow

SHELL = ("sh", "bash", "console")
RUN = (*SHELL, "python", "sql", "toml")
TEXT = ("", "text", "diff", "{toctree}", "{eval-rst}")
COMMAND = re.compile(
    r"^(?:[$] |(?:[.]venv/bin/)?(?:obcat|make|git|python|duckdb|source|pip|cd) )", re.MULTILINE
)
FIRST = ("README.md", "docs/quickstart.md")
FENCE = re.compile(
    r"^( *<!-- network -->\n)? *```([^`\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL
)
PRELUDE = f"""\
set -euo pipefail
make() {{
    case " $* " in
    *" setup "* | *" dev "* | *" demo "* | *" test "* | *" lint "* | *" bench "* | \\
    *" lock "* | *" clean "* | *" distclean "*)
        command make --dry-run "$@" > /dev/null ;;
    *) command make "$@" STARS={N_STARS} ;;
    esac
}}
"""
ASK = """\
import duckdb, sys
con = duckdb.connect("build/simulated/obcat.duckdb", read_only=True)
assert con.sql(open(sys.argv[1]).read()).columns
"""


class Block(NamedTuple):
    file: str
    line: int
    kind: str
    body: str
    network: bool


def blocks_of(file: str, text: str) -> list[Block]:
    return [
        Block(
            file, text.count("\n", 0, m.start()) + 1, m[2].strip(), dedent(m[3]), network=bool(m[1])
        )
        for m in FENCE.finditer(text)
    ]


def documents() -> Iterator[str]:
    """README.md and the quick start, then the other pages by name."""
    yield from FIRST
    yield from (
        f"docs/{p.name}"
        for p in sorted((ROOT / "docs").glob("*.md"))
        if f"docs/{p.name}" not in FIRST
    )


BLOCKS = [
    b for file in documents() for b in blocks_of(file, (ROOT / file).read_text(encoding="utf-8"))
]


def commands(body: str) -> str:
    """What is typed: the lines after $, if any line has one, else all."""
    typed = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
    return "\n".join(typed) + "\n" if typed else body


def script(blocks: list[Block], folder: Path) -> str:
    """One shell session for a page; its Python is one program, run where the first of it stands."""
    parts = [PRELUDE]
    python = "\n".join(b.body for b in blocks if b.kind == "python")
    for block in blocks:
        name = folder / f"{Path(block.file).stem}-{block.line}"
        parts.append(f"echo 'at {block.file}:{block.line}' >&2")
        if block.kind in SHELL:
            parts.append(commands(block.body))
        elif block.kind == "python" and python:
            name.write_text(python, encoding="utf-8")
            parts.append(f"MPLBACKEND=Agg {shlex.quote(sys.executable)} {name}")
            python = ""
        elif block.kind == "sql":
            name.write_text(block.body, encoding="utf-8")
            parts.append(f"{shlex.quote(sys.executable)} -c {shlex.quote(ASK)} {name}")
    return "\n".join(parts)


def session(blocks: list[Block], folder: Path) -> tuple[int, str]:
    """Exit code, and the last lines said."""
    done = subprocess.run(
        ["bash", "-c", script(blocks, folder)],
        cwd=folder,
        env=os.environ
        | {"PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, "\n".join(
        (done.stdout[-2000:] + done.stderr[-2000:]).splitlines()[-15:]
    )


def checkout(folder: Path) -> None:
    """Links to everything of the checkout but its builds;
    docs as a copy, for `make figure` writes there.
    """
    for path in ROOT.iterdir():
        if path.name not in ("build", ".venv", ".git", "docs"):
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        (folder / ".venv" / path.name).symlink_to(path)
    ready = folder / ".venv" / ".ready"
    ready.unlink(missing_ok=True)
    ready.touch()


@pytest.fixture(scope="module")
def scratch(files, first, tmp_path_factory) -> Path:
    """What was read and fitted for other tests is lent:
    `make catalog` takes it for its own, in half the time.
    """
    folder = tmp_path_factory.mktemp("checkout")
    checkout(folder)
    copy_build(first, folder / "build" / "simulated", "raw", "models")
    survey = Path(shutil.copytree(files, folder / "build" / "simulated" / "survey"))
    shutil.copytree(files.parent / "truth", folder / "build" / "simulated" / "truth")
    with (survey / "survey.toml").open("a", encoding="utf-8") as f:
        f.write(
            "\n".join(
                ["[parameters]", *(f"{name} = {value}" for name, value in PARAMETERS.items())]
            )
            + "\n"
        )
    return folder


def test_every_block_runs(scratch):
    failed = []
    for file in documents():
        blocks = [b for b in BLOCKS if b.file == file and not b.network and b.kind in RUN]
        code, said = session(blocks, scratch)
        if code:
            failed.append(f"{file}: exit code {code}\n{said}")
    assert not failed, "\n\n".join(failed)
    with (scratch / "build" / "simulated" / "survey" / "survey.toml").open("rb") as f:
        assert tomllib.load(f)["parameters"] == PARAMETERS  # it was not simulated anew at full size


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.network], ids=lambda b: f"{b.file}:{b.line}"
)
def test_block_that_needs_the_network(block):
    pytest.skip(f"needs the network: {block.body.splitlines()[0]}")


def test_blocks_are_of_a_kind_that_is_run():
    assert [f"{b.file}:{b.line}: {b.kind}" for b in BLOCKS if b.kind not in (*RUN, *TEXT)] == []
    assert [
        f"{b.file}:{b.line}" for b in BLOCKS if b.kind in ("", "text") and COMMAND.search(b.body)
    ] == []
    assert sum(b.kind in SHELL for b in BLOCKS) > 8
    assert [b for b in BLOCKS if "git clone" in b.body and not b.network] == []
    # the shell does not stop at the failure of what && or || follows
    assert [
        b for b in BLOCKS if b.kind in SHELL and not b.network and re.search("&&|[|][|]", b.body)
    ] == []


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.kind == "toml"], ids=lambda b: f"{b.file}:{b.line}"
)
def test_survey_file_has_no_fault(block, tmp_path):
    """Its keys, tables, columns and parameters exist; the files it names are put there."""
    content = tomllib.loads(block.body)
    spectra = content["spectra"]
    (tmp_path / (spectra["path"] if isinstance(spectra, dict) else spectra)).mkdir()
    for table in content.get("tables", {}).values():
        if "hats" in table:
            (tmp_path / table["hats"]).mkdir()
        else:
            (tmp_path / table["path"]).touch()
        (tmp_path / table.get("spectra", ".")).mkdir(exist_ok=True)
    (tmp_path / "survey.toml").write_text(block.body, encoding="utf-8")
    assert (
        load(tmp_path / "survey.toml", [c.column for c in columns_of("meta.parameters")]).name
        == content["name"]
    )


BROKEN = """\
```sh
X=1
```

```console
$ test "$X" = 1
what it answers is not run
```

```sh
echo fine
{command}
echo not reached
```
"""


@pytest.mark.parametrize(
    "command", ["obcat sqll x", "make no-such-target", "false | cat", "echo $UNSET"]
)
def test_a_broken_command_is_seen(tmp_path, command):
    shutil.copy(ROOT / "Makefile", tmp_path)
    blocks = blocks_of("x.md", BROKEN.replace("{command}", command))
    assert [b.line for b in blocks] == [1, 5, 10]
    code, said = session(blocks, tmp_path)
    assert code != 0
    assert "at x.md:10" in said
    assert "not reached" not in said
    assert session(blocks_of("x.md", BROKEN.replace("{command}", "true")), tmp_path)[0] == 0


@pytest.mark.parametrize("body", ["import obcat\nobcat.no_such_thing", "1 / 0"])
def test_broken_python_is_seen(tmp_path, body):
    assert session([Block("x.md", 1, "python", body + "\n", False)], tmp_path)[0] != 0


PROXIES = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built from a copy of docs/, with no way to the network."""
    pytest.importorskip("furo", reason="sphinx and furo are not installed: make dev")
    source = Path(shutil.copytree(ROOT / "docs", tmp_path_factory.mktemp("site") / "docs"))
    done = sphinx(source)
    assert done.returncode == 0, done.stdout + done.stderr
    return source.parent / "html"


def sphinx(source: Path, builder: str = "html") -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        builder,
        source,
        source.parent / builder,
    ]
    environment = os.environ | PROXIES | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_site_has_every_page(site):
    pages = {p.relative_to(site).with_suffix("").as_posix() for p in site.rglob("*.html")}
    wanted = {
        f"generated/{name}"
        for name in ("parameters", "columns", "tables", "cookbook", "inputs", "commands")
    }
    wanted |= {p.stem for p in (ROOT / "docs").glob("*.md")}
    assert wanted <= pages
    index = (site / "index.html").read_text(encoding="utf-8")
    assert [page for page in wanted - {"index"} if f'href="{page}.html"' not in index] == []


def test_site_loads_nothing_from_elsewhere(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]*)\"", text)
        loaded += re.findall(r"<link\b[^>]*\bhref=\"([^\"]*)\"", text)
        assert [url for url in loaded if re.match(r"(?:[a-z]+:)?//", url)] == [], path.name
    for path in site.rglob("*.css"):
        assert not re.search(
            r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")
        ), path.name


def test_pages_say_what_their_source_says(site):
    text = {p.stem: p.read_text(encoding="utf-8") for p in (site / "generated").glob("*.html")}
    for c in columns_of("meta.parameters"):
        assert f">{c.column}</span>" in text["parameters"], c.column
    stated = sum(
        text["parameters"].count(f"<td><p>{status}</p></td>") for status in ("paper", "assumed")
    )
    assert stated == len(columns_of("meta.parameters"))
    for c in columns_of("catalog.ob_stars"):
        assert f">{c.column}</span>" in text["columns"], c.column
    for path in (ROOT / "sql" / "queries").glob("*.sql"):
        assert f">{path.stem}<a" in text["cookbook"], path.stem


def test_a_wrong_link_fails_the_site(tmp_path):
    pytest.importorskip("furo", reason="sphinx and furo are not installed: make dev")
    (tmp_path / "docs").mkdir()
    shutil.copytree(ROOT / "docs" / "_static", tmp_path / "docs" / "_static")
    for name in ("conf.py", "pages.py"):
        shutil.copy(ROOT / "docs" / name, tmp_path / "docs")
    (tmp_path / "docs" / "index.md").write_text("# x\n\n[wrong](nowhere.md)\n", encoding="utf-8")
    done = sphinx(tmp_path / "docs", "dummy")
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
