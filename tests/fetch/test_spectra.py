"""Files of spectra: what recovers does, what does not is named,
and nothing damaged ever has the name of a file.
"""

import hashlib
import time

import pytest

from tests.fetch.world import (
    PASSING,
    STAYING,
    bomb,
    cut,
    fakes,
    flipped,
    hang,
    html,
    hurried,
    instead,
    obsid_of,
    redirect,
    shorter,
    status,
)  # fmt: skip

FIRST = fakes()[0]
PATH = f"lamost/sas/20111028/{FIRST.planid}/{FIRST.name}"
FOLDER = f"spectra/20111028/{FIRST.planid}"
ONE = ({"urls": ["{dr5}/sas/{night}/{planid}/{name}.gz"]},)


def whole(world) -> None:
    for fake in fakes():
        assert (world.data / FOLDER / f"{fake.name}.gz").read_bytes() == fake.packed()


def test_all_at_once(world):
    done = world.fetch("spectra")
    assert done.exit_code == 0, done.output
    whole(world)
    rows = world.ledger("spectra")
    assert [row["item"] for row in rows] == sorted(f.specid for f in fakes())
    assert {row["status"] for row in rows} == {"done"}
    assert rows[0]["sha256"] == hashlib.sha256(FIRST.packed()).hexdigest()
    assert rows[0]["url"] == f"{world.url}/{PATH}.gz"
    asked = len(world.archives.asked)
    assert world.fetch("spectra").exit_code == 0
    assert len(world.archives.asked) == asked


TRANSIENT = PASSING | {
    "503 twice": (status(503), 2),
    "429": (status(429, **{"Retry-After": "1"}), 1),
    "html": (html, 2),
    "bit": (flipped, 2),
}


@pytest.mark.parametrize("fault", TRANSIENT)
def test_recovers(world, fault):
    change, times = TRANSIENT[fault]
    world.hook(PATH, change, times)
    started = time.monotonic()
    done = world.fetch("spectra", spectra=ONE[0])
    assert done.exit_code == 0, done.output
    whole(world)
    assert world.asked(PATH) == times + 1
    assert time.monotonic() - started >= (1 if fault == "429" else 0)


LASTING = STAYING | {
    "429": (status(429, **{"Retry-After": "0"}), "refused", "HTTP 429"),
    "404": (status(404), "not_found", "HTTP 404"),
    "cut unseen": (shorter, "damaged", "truncated_gzip"),
    "hang": (hang, "no_answer", "timed out"),
    "json": (instead(b'{"error": "no token"}'), "html", "web page"),
    "bit": (flipped, "damaged", "damaged_gzip"),
    "bomb": (bomb, "damaged", "too_large"),
    "empty": (instead(b""), "damaged", "not_fits"),
    "another's": (instead(fakes()[3].packed()), "unasked", "id_mismatch"),
    "loop": (redirect(f"/{PATH}.gz"), "no_answer", "redirects"),
}


@pytest.mark.parametrize("fault", LASTING)
def test_missing_by_name(world, fault):
    change, reason, said = LASTING[fault]
    world.hook(PATH, change, -1)
    done = world.fetch("spectra", spectra=ONE[0], limits=hurried(change))
    assert done.exit_code == 1
    assert f"missing: spectra {FIRST.specid}: {reason}: " in done.output
    assert said in done.output
    lines = (world.data / "missing.tsv").read_text().splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["step", "name"], ["spectra", FIRST.specid]]
    names = [name for name in world.contents() if name.startswith("spectra")]
    assert len(names) == len(fakes()) - 1
    assert not [name for name in names if FIRST.name in name or name.endswith(".partial")]
    assert f"obcat fetch {world.folder / 'world.toml'}" in done.output
    world.archives.hooks.clear()
    assert world.fetch("spectra", spectra=ONE[0]).exit_code == 0
    whole(world)
    assert not (world.data / "missing.tsv").exists()


def test_a_redirect_is_followed(world):
    world.hook(PATH, redirect(f"/lamost/id/{obsid_of(FIRST)}"))
    assert world.fetch("spectra", spectra=ONE[0]).exit_code == 0
    whole(world)


def test_a_redirect_to_a_page_is_no_spectrum(world):
    world.hook(PATH, redirect("/lamost/login"), -1)
    world.hook("lamost/login", html, -1)
    assert "html: " in world.fetch("spectra", spectra=ONE[0]).output


def test_the_next_form_of_the_address(world):
    """The path does not exist, no token is set, so the third form serves;
    it is tried first from then on.
    """
    world.hook("lamost/sas", status(404), -1)
    done = world.fetch("spectra", limits={"workers": 1})
    assert done.exit_code == 0, done.output
    whole(world)
    assert world.asked("lamost/sas") < 3
    assert world.asked("lamost/id") == len(fakes())
    assert world.ledger("spectra")[0]["url"] == f"{world.url}/lamost/id/{obsid_of(FIRST)}"


def test_wrong_file_under_one_form_right_under_the_next(world):
    world.hook(PATH, instead(fakes()[3].packed()), -1)
    assert world.fetch("spectra").exit_code == 0
    whole(world)


def test_wrong_file_for_an_obsid_without_a_name(world):
    """A list of obsids alone: nothing but the header can say that the file is another's."""
    world.columns = "ObsID, RAJ2000, DEJ2000"
    world.hook(f"lamost/id/{obsid_of(FIRST)}", instead(fakes()[3].packed()), -1)
    done = world.fetch("spectra", spectra={"urls": ["{dr5}/id/{obsid}"]})
    assert (
        f"missing: spectra obsid {obsid_of(FIRST)}: unasked: obsid {obsid_of(FIRST)}: the "
        "file is of " in done.output
    )
    world.archives.hooks.clear()
    assert world.fetch("spectra", spectra={"urls": ["{dr5}/id/{obsid}"]}).exit_code == 0
    whole(world)


def test_token_from_the_environment_is_sent_and_never_written(world, monkeypatch):
    monkeypatch.setenv("LAMOST_TOKEN", "s3cr3t")
    world.hook("lamost/spectrum/fits", status(503), 30)
    done = world.fetch("spectra", spectra={"urls": ["{dr5}/spectrum/fits/{obsid}?token={token}"]})
    assert done.exit_code == 1
    assert world.asked("token=s3cr3t") > 0
    world.archives.hooks.clear()
    assert (
        world.fetch(
            "spectra", spectra={"urls": ["{dr5}/spectrum/fits/{obsid}?token={token}"]}
        ).exit_code
        == 0
    )
    written = b"".join(p.read_bytes() for p in world.folder.rglob("*") if p.is_file())
    assert b"s3cr3t" not in written
    assert "s3cr3t" not in done.output
    assert "token=…" in world.ledger("spectra")[0]["url"]


def test_no_token_no_address(world):
    done = world.fetch("spectra", spectra={"urls": ["{dr5}/spectrum/fits/{obsid}?token={token}"]})
    assert f"missing: spectra {FIRST.specid}: no_address: " in done.output
    assert not world.asked("lamost")


def test_a_dead_host_is_given_up(world):
    world.hook("lamost", cut, -1)
    done = world.fetch("spectra", spectra=ONE[0], limits={"workers": 1, "give_up": 2})
    assert done.output.count("no_answer: ") in (
        2,
        3,
    )  # the one under way when the second failed is not stopped
    assert done.output.count("not_tried: ") >= len(fakes()) - 3
    assert done.exit_code == 1


def test_a_file_that_changed_on_disk_is_fetched_again(world):
    world.fetch("spectra")
    path = world.data / FOLDER / f"{FIRST.name}.gz"
    path.write_bytes(path.read_bytes()[:-1])
    before = world.asked("lamost")
    assert world.fetch("spectra").exit_code == 0
    assert world.asked("lamost") == before + 1
    whole(world)


def test_limit(world):
    assert world.fetch("spectra", options=("--limit", "2")).exit_code == 0
    assert len(world.ledger("spectra")) == 2
    assert world.fetch("spectra").exit_code == 0
    assert world.asked("lamost") == len(fakes())
