"""obcat verify names the damaged file; obcat check-cds tells one line a fault."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from release_rows import rows_of, store

from obcat.cli import main
from obcat.export.release import release
from obcat.export.verify import verify
from obcat.sums import NoSums


@pytest.fixture(scope="module")
def made(template, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    path = Path(shutil.copy(template, folder / "obcat.duckdb"))
    store(path, rows_of(5))
    release(path, folder / "release")
    return folder / "release"


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "release"))


def run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.exit_code, done.output


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")


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
    assert (found.missing, found.changed, found.unknown) == (("demo.csv",), ("demo.fits",), ("notes.txt",))
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


def test_the_docs_name_every_file(made):
    text = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
    for name in names(made):
        assert name.replace("demo.", "NAME.") in text or name.split("/")[-1] in text


def test_check_cds_tells_the_faults(folder):
    assert run("check-cds", folder / "cds") == (0, f"{folder / 'cds'}: no fault\n")
    readme = folder / "cds" / "ReadMe"
    readme.write_text(readme.read_text(encoding="ascii").replace("[0/360]", "[0/-1]"), encoding="ascii")
    code, output = run("check-cds", folder / "cds")
    assert code == 1
    assert "RAdeg: range [0/-1] is upside down\n" in output
    assert output.endswith("Error: 2 faults\n")
    code, output = run("check-cds", folder)
    assert (code, output.count("\n")) == (1, 1)
    assert "a CDS package is a folder with a ReadMe" in output
