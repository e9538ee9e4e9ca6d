"""obcat verify names the damaged file; obcat check-cds tells one line a fault."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from release_rows import released_from, rows_of, store

from obcat import db
from obcat.checksums import NoSums, notes_of, write_sums
from obcat.cli import main
from obcat.export.release import Mixture, build_of, release, verify


@pytest.fixture(scope="module")
def made(template, tmp_path_factory) -> Path:
    return released_from(template, tmp_path_factory.mktemp("made"), "obcat.duckdb")


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "release"))


def run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.exit_code, done.output


def names(folder: Path) -> list[str]:
    return sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "SHA256SUMS"
    )


def test_a_whole_release_is_whole(folder):
    found = verify(folder)
    assert sorted(found.whole) == names(folder)
    assert (found.changed, found.missing, found.unknown) == ((), (), ())
    assert run("verify", folder) == (0, f"{len(names(folder))} files, all as they were made\n")


def test_one_bit_of_any_file_is_noticed(folder):
    for name in names(folder):
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 4
        (folder / name).write_bytes(data)
        assert verify(folder).changed == (name,)
        code, output = run("verify", folder)
        assert code == 1
        assert output == f"Error: {folder / name}: damaged\n"
        data[len(data) // 2] ^= 4
        (folder / name).write_bytes(data)


def test_what_is_missing_cut_or_new_is_named(folder):
    (folder / "demo.csv").unlink()
    (folder / "demo.fits").write_bytes((folder / "demo.fits").read_bytes()[:-2880])
    (folder / "notes.txt").write_text("mine", encoding="ascii")
    found = verify(folder)
    assert (found.missing, found.changed, found.unknown) == (
        ("demo.csv",),
        ("demo.fits",),
        ("notes.txt",),
    )
    code, output = run("verify", folder)
    assert code == 1
    assert f"{folder / 'notes.txt'}: not part of the release" in output
    assert f"{folder / 'demo.fits'}: damaged; {folder / 'demo.csv'}: missing" in output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "SHA256SUMS: No such file"),
        ("", "SHA256SUMS: empty"),
        ("hello\n", "line 1 is damaged: 'hello'"),
        ("0" * 64 + "  ../obcat.duckdb\n", "line 1 is damaged"),
        ("0" * 64 + "  /etc/passwd\n", "line 1 is damaged"),
    ],
)
def test_checksums_that_are_no_checksums(folder, text, message):
    (folder / "SHA256SUMS").unlink()
    if text is not None:
        (folder / "SHA256SUMS").write_text(text, encoding="ascii")
    with pytest.raises(NoSums, match=message):
        verify(folder)
    code, output = run("verify", folder)
    assert code == 1
    assert output.startswith("Error: ")
    assert output.count("\n") == 1


@pytest.fixture(scope="module")
def another(template, tmp_path_factory) -> Path:
    """A release of another build of the same stars."""
    folder = tmp_path_factory.mktemp("another")
    path = Path(shutil.copy(template, folder / "obcat.duckdb"))
    store(path, rows_of(6))
    with db.connect(path) as con:
        con.execute(
            "UPDATE meta.provenance SET value = repeat('c3', 32) WHERE item = 'fingerprint'"
        )
    release(path, folder / "release")
    return folder / "release"


@pytest.mark.parametrize(
    "name",
    ["obcat.duckdb", "demo.fits", "demo.vot", "demo.parquet", "demo.csv", "demo_mrt.txt", "cds/ReadMe", "cds/obstars.dat", "CITATION",
     "models.safetensors", "provenance.json"],
)  # fmt: skip
def test_files_of_two_builds_are_known_though_their_sums_are_right(folder, another, name):
    """As if an export had been killed, or two had met:
    every file is whole, and SHA256SUMS knows it.
    """
    notes = notes_of(folder)
    shutil.copy(another / name, folder / name)
    write_sums(folder, notes)
    with pytest.raises(Mixture, match=re.escape(name)):
        verify(folder)
    code, output = run("verify", folder)
    assert (code, output.count("\n")) == (1, 1)
    assert "export the catalog again" in output


def test_a_release_that_was_summed_by_others_is_still_verified(folder, another):
    """`sha256sum *` writes no comments; files of two builds are known all the same."""
    write_sums(folder, {})
    assert verify(folder).changed == ()
    shutil.copy(another / "demo.fits", folder / "demo.fits")
    write_sums(folder, {})
    with pytest.raises(Mixture, match=r"files of two builds: demo\.fits is of build c3"):
        verify(folder)


@pytest.mark.parametrize("source", ["'c3' AS value", "content AS value FROM read_text('{}')"])
def test_a_database_that_runs_something_is_not_asked(folder, tmp_path, source):
    """A view in place of the table of provenance could read files of whoever verifies."""
    (tmp_path / "secret").write_text("secret", encoding="ascii")
    path = folder / "obcat.duckdb"
    path.unlink()
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA meta")
        view = "SELECT 'fingerprint' AS item, " + source.format(tmp_path / "secret")
        con.execute(f"CREATE VIEW meta.provenance AS {view}")
    assert build_of(path) is None


def test_two_exports_at_once_both_succeed(template, tmp_path):
    path = Path(shutil.copy(template, tmp_path / "obcat.duckdb"))
    store(path, rows_of(5))
    script = "import sys; from obcat.cli import main; main(sys.argv[1:])"
    words = [
        sys.executable,
        "-c",
        script,
        "export",
        "--trust",
        str(path),
        "--out",
        str(tmp_path / "out"),
    ]
    both = [
        subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=120)[1] for process in both] == ["", ""]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(verify(tmp_path / "out").whole) == names(tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["obcat.duckdb", "out"]


def test_the_docs_name_every_file(made):
    text = (Path(__file__).parents[3] / "docs" / "exports.md").read_text(encoding="utf-8")
    for name in (n for n in names(made) if "Npix=" not in n):
        assert re.sub("^demo", "NAME", name) in text or name.split("/")[-1] in text


def test_check_cds_tells_the_faults(folder):
    assert run("check-cds", "--draft", folder / "cds") == (0, f"{folder / 'cds'}: no fault\n")
    code, output = run("check-cds", folder / "cds")
    assert (code, output.splitlines()[-1]) == (1, "Error: 5 faults")
    readme = folder / "cds" / "ReadMe"
    readme.write_text(
        readme.read_text(encoding="ascii").replace("[0/360]", "[0/-1]"), encoding="ascii"
    )
    code, output = run("check-cds", "--draft", folder / "cds")
    assert code == 1
    assert "RAdeg: range [0/-1] is upside down\n" in output
    assert output.endswith("Error: 2 faults\n")
    code, output = run("check-cds", folder)
    assert (code, output.count("\n")) == (1, 1)
    assert "a CDS package is a folder with a ReadMe" in output
