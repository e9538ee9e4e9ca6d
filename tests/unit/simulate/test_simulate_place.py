"""Where a survey is simulated: nothing of others goes,
and survey and truth are always of one simulation.
"""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from obcat import files
from obcat.cli import main
from obcat.files import NotOurs
from obcat.simulate import Recipe, simulate


def make(place: Path, seed: int) -> None:
    simulate(place / "survey", place / "truth", n_stars=2, recipe=Recipe(seed), workers=1)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def state(place: Path) -> tuple[str, int | None]:
    """The survey, by its list of targets, and the seed of the truth."""
    targets, stamp = place / "survey" / "targets.csv", place / "truth" / "simulation.json"
    return (
        targets.read_text(encoding="utf-8") if targets.exists() else "",
        json.loads(stamp.read_text(encoding="utf-8"))["seed"] if stamp.exists() else None,
    )


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulation of seed 1; nobody writes to it."""
    place = tmp_path_factory.mktemp("sky")
    make(place, 1)
    return place


@pytest.fixture
def mine(sky: Path, tmp_path: Path) -> Path:
    """A copy of it with its links."""
    return Path(shutil.copytree(sky, tmp_path / "mine", symlinks=True))


@pytest.mark.parametrize("name", ["survey", "truth", "simulation"])
@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_others_put_there_stays(name: str, kind: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (tmp_path / "years").mkdir()
    (tmp_path / "years" / "work.fits").write_bytes(b"years of work")
    if kind == "folder":
        shutil.copytree(tmp_path / "years", place / name)
    elif kind == "file":
        (place / name).write_bytes(b"mine")
    else:
        (place / name).symlink_to(tmp_path / "years")
    before = tree(tmp_path)
    done = CliRunner().invoke(main, ["simulate", str(place), "--stars", "2"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "another" in done.stderr
    assert tree(tmp_path) == before
    assert [p.name for p in place.iterdir()] == [name]


def test_names_that_look_like_ours_stay(tmp_path: Path) -> None:
    names = [f"{name}.{end}" for name in ("survey", "truth") for end in ("old", "partial")]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_bytes(b"mine")
    make(tmp_path, 1)
    assert [(tmp_path / name / "a").read_bytes() for name in names] == [b"mine"] * 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("survey/notes.txt", "holds 'survey/notes.txt'"),
        ("truth/notes.txt", "holds 'truth/notes.txt'"),
        ("notes.txt", "holds 'notes.txt'"),
        ("survey/targets.csv", "'survey/targets.csv' was changed since obcat wrote it"),
    ],
)
def test_a_simulation_that_was_changed_stays(mine: Path, name: str, message: str) -> None:
    (mine / "simulation" / name).write_bytes(b"mine")
    before = tree(mine)
    with pytest.raises(NotOurs, match=message):
        make(mine, 2)
    assert tree(mine) == before


def test_one_simulation_takes_the_place_of_another(mine: Path, sky: Path) -> None:
    make(mine, 2)
    assert state(mine) != state(sky)
    assert state(mine)[1] == 2
    assert sorted(p.name for p in mine.iterdir()) == ["simulation", "survey", "truth"]


def test_a_copy_without_links_is_known_again(sky: Path, tmp_path: Path) -> None:
    """As cp -rL and many tools make it; it becomes links again."""
    place = Path(shutil.copytree(sky, tmp_path / "copy", symlinks=False))
    make(place, 2)
    assert state(place)[1] == 2
    assert (place / "survey").is_symlink()
    assert sorted(p.name for p in place.iterdir()) == ["simulation", "survey", "truth"]


@pytest.mark.parametrize("name", ["survey", "truth"])
def test_a_changed_copy_without_links_stays(name: str, sky: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(sky, tmp_path / "copy", symlinks=False))
    (place / name / "notes.txt").write_bytes(b"mine")
    before = tree(place)
    with pytest.raises(NotOurs, match=r"holds 'notes\.txt'"):
        make(place, 2)
    assert tree(place) == before


@pytest.mark.parametrize("first", [True, False])
def test_survey_and_truth_change_in_one_step(
    first: bool, sky: Path, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen at every step on the disk that a kill could be the last of."""
    place = tmp_path / "first" if first else mine
    seen = []

    def watched(owner: object, name: str) -> None:
        call = getattr(owner, name)

        def step(*given: object, **named: object) -> object:
            seen.append(state(place))
            result = call(*given, **named)
            seen.append(state(place))
            return result

        monkeypatch.setattr(owner, name, step)

    for owner, name in [(files, "switch"), (files, "sync"), (Path, "rename"), (Path, "unlink")]:
        watched(owner, name)
    make(place, 2)
    assert len(seen) > 10
    assert set(seen) == {("", None) if first else state(sky), state(place)}


@pytest.mark.parametrize("first", [True, False])
def test_a_full_disk_leaves_what_was_there(
    first: bool, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "first" if first else mine
    before = tree(mine)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_sync_tree", full)
    with pytest.raises(OSError, match="No space left"):
        make(place, 2)
    if first:
        assert not list(place.iterdir())
    else:
        assert tree(place) == before


def test_the_survey_says_nothing_of_the_truth(sky: Path) -> None:
    assert sorted(p.name for p in (sky / "simulation").iterdir()) == [
        "SHA256SUMS",
        "survey",
        "truth",
    ]
    names = {p.relative_to(sky / "survey").as_posix() for p in (sky / "survey").rglob("*")}
    assert not any("json" in name or "SUMS" in name or name.startswith(".") for name in names)


@pytest.mark.parametrize("names", [("survey", "deep/truth"), ("one", "truth"), ("survey", "other")])
def test_other_names_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in names)
    with pytest.raises(ValueError, match="name them survey and truth, in one folder"):
        simulate(one, other, n_stars=2, recipe=Recipe(1))
    assert not list(tmp_path.iterdir())
