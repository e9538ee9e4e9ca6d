"""The simulated survey as files: counts, layout, tables, the same bytes for any workers,
and the truth kept apart.
"""

import hashlib
import tracemalloc
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from obcat.kernels.grid import LIGHT_SPEED, WAVELENGTH
from obcat.machine import AHEAD, ordered
from obcat.simulate import Recipe, _blocks, is_current, simulate
from obcat.simulate import truth as truth_module
from obcat.simulate.contaminants import LB1_DEC, LB1_RA
from obcat.simulate.visits import count_visits, draw_visits, n_spectra

N_STARS, CHUNK, SEED = 60, 25, 11  # three chunks
DR5_CARDS = """
SIMPLE BITPIX NAXIS NAXIS1 NAXIS2 EXTEND COMMENT FILENAME OBSID AUTHOR DATA_V EXTEN0 N_EXTEN EXTNAME ORIGIN DATE
COMMENT TELESCOP LONGITUD LATITUDE FOCUS CAMPRO CAMVER COMMENT DATE-OBS DATE-BEG DATE-END LMJD MJD LMJMLIST PLANID RA
DEC RA_OBS DEC_OBS OFFSET OFFSET_V DESIG FIBERID CELL_ID X_VALUE Y_VALUE OBJNAME OBJTYPE TSOURCE TCOMMENT TFROM
FIBERTYP FIBERMAS MAGTYPE MAG1 MAG2 MAG3 MAG4 MAG5 MAG6 MAG7 OBS_TYPE OBSCOMM RADECSYS EQUINOX LAMPLIST SKYLIST NEXP
NEXP_B NEXP_R EXPT_B EXPT_R EXPTIME BESTEXP SCAMEAN COMMENT SPID SPRA SPDEC SLIT_MOD COMMENT TEMPCCDB TEMPCCDR SEEING
MOONPHA TEMP_AIR TEMP_FP DEWPOINT DUST HUMIDITY WINDD WINDS SKYLEVEL COMMENT EXTRACT SFLATTEN PCASKYSB NSKIES SKYCHI2
SCHI2MIN SCHI2MAX NSTD FSTAR FCBY HELIO HELIO_RV VACUUM NWORDER WFITTYPE COEFF0 COEFF1 WAT0_001 WAT1_001 CRVAL1 CD1_1
CRPIX1 CTYPE1 DC-FLAG COMMENT VERSPIPE CLASS SUBCLASS Z Z_ERR ZFLAG SNRU SNRG SNRR SNRI SNRZ
"""  # as read from a file of DR5 v3


RECIPE = Recipe(SEED)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with survey/ and truth/."""
    root = tmp_path_factory.mktemp("simulated")
    make(root)
    return root


def make(root: Path, n_stars: int = N_STARS, recipe: Recipe = RECIPE, workers: int = 1) -> None:
    simulate(
        root / "survey",
        root / "truth",
        n_stars=n_stars,
        recipe=recipe,
        workers=workers,
        chunk=CHUNK,
    )


def truth(root: Path, table: str) -> pa.Table:
    return pq.read_table(root / "truth" / f"{table}.parquet")


def columns_of(table: pa.Table) -> dict[str, np.ndarray]:
    return {name: table[name].to_numpy() for name in table.column_names}


@pytest.fixture(scope="module")
def files(made: Path) -> list[Path]:
    return sorted((made / "survey" / "spectra").rglob("*.fits.gz"))


def digests(root: Path) -> dict[str, str]:
    paths = sorted(p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def test_full_size_is_that_of_liu_et_al_2019() -> None:
    assert n_spectra(16_032) == 22_901
    assert n_spectra(2000) == 2857


@pytest.mark.parametrize("n", [1, 2, 60, 3000])
def test_every_star_is_visited_and_the_total_is_exact(n: int) -> None:
    visits = count_visits(n, n_spectra(n), 12, np.random.default_rng(1))
    assert visits.sum() == n_spectra(n)
    assert visits.min() >= 1
    assert visits[0] == min(12, 1 + n_spectra(n) - n)


def test_a_plate_never_puts_two_stars_on_one_fibre() -> None:
    rng = np.random.default_rng(2)
    visits = draw_visits(
        rng.uniform(80, 90, 900),
        rng.uniform(20, 30, 900),
        np.full(900, 13.0),
        np.full(900, 2),
        0,
        rng,
    )
    assert len(set(visits.specid)) == 1800


def test_plates_of_two_chunks_are_never_the_same(made: Path) -> None:
    place, counts = (np.full(5, 85.0), np.full(5, 25.0), np.full(5, 13.0)), np.full(5, 2)
    one, two = (draw_visits(*place, counts, chunk, np.random.default_rng(3)) for chunk in (0, 1))
    assert not set(one.specid) & set(two.specid)
    assert not set(one.plan.tolist()) & set(two.plan.tolist())


def test_work_is_done_in_order_and_taken_up_a_little_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for k in range(300):
            taken.append(k)
            yield k

    for done, result in enumerate(ordered(abs, items(), 2)):
        assert result == done
        assert len(taken) <= done + 1 + 2 * AHEAD
    assert len(taken) == 300


def test_the_same_bytes_for_one_and_two_workers(made: Path, tmp_path: Path) -> None:
    make(tmp_path, workers=2)
    assert digests(tmp_path) == digests(made)


def test_a_chunk_does_not_know_of_those_after_it(made: Path, tmp_path: Path) -> None:
    make(tmp_path, n_stars=CHUNK)
    alone, first = digests(tmp_path / "survey" / "spectra"), digests(made / "survey" / "spectra")
    assert len(alone) == n_spectra(CHUNK)
    assert alone.items() <= first.items()
    for name, column in columns_of(truth(tmp_path, "stars")).items():
        np.testing.assert_array_equal(column, columns_of(truth(made, "stars"))[name][:CHUNK])


def test_stars_are_numbered_over_all_chunks_and_only_the_first_is_lb1(made: Path) -> None:
    names = truth(made, "stars")["name"].to_pylist()
    assert len(set(names)) == N_STARS
    assert [k for k, name in enumerate(names) if name == "LB-1"] == [0]
    assert {name[:3] for name in names[1:]} == {"SIM"}


def test_chunks_share_no_draw(made: Path) -> None:
    assert len(set(truth(made, "stars")["teff"].to_pylist())) == N_STARS


@pytest.mark.parametrize(
    "other",
    [Recipe(SEED + 1), Recipe(SEED, frozenset({"noise"})), Recipe(SEED, seeds={"noise": 5})],
    ids=["seed", "without", "seed_of"],
)
def test_another_recipe_is_another_survey(other: Recipe, tmp_path: Path) -> None:
    survey, truth = tmp_path / "survey", tmp_path / "truth"
    make(tmp_path, 3, other)
    assert is_current(survey, truth, 3, other)
    assert not is_current(survey, truth, 3, Recipe(SEED))
    assert not is_current(survey, truth, 4, other)
    assert not is_current(survey, tmp_path / "nowhere", 3, other)
    assert not is_current(tmp_path / "nowhere", truth, 3, other)


def test_a_truth_belongs_to_its_own_survey(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    make(one, 3)
    make(other, 3, Recipe(SEED + 1))
    assert not is_current(other / "survey", one / "truth", 3, Recipe(SEED))
    assert not is_current(other / "survey", one / "truth", 3, Recipe(SEED + 1))


def test_a_run_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    for n in (3, 2):
        make(tmp_path, n)
    assert {p.name for p in tmp_path.iterdir()} == {"simulation", "survey", "truth"}
    assert truth(tmp_path, "stars").num_rows == 2


def test_truth_inside_the_survey_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a build could read the truth"):
        simulate(tmp_path / "survey", tmp_path / "survey" / "truth", n_stars=2, recipe=Recipe(1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("n_stars", "chunk"), [(0, 10), (1_000_001, 10), (5, 0), (5, 4001)])
def test_sizes_outside_the_range_are_refused(n_stars: int, chunk: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="they must be 1 to 1000000 and 1 to 4000"):
        simulate(
            tmp_path / "survey", tmp_path / "truth", n_stars=n_stars, recipe=Recipe(1), chunk=chunk
        )
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_number_of_chunks(tmp_path: Path) -> None:
    """All is drawn and all tables are written, but no spectra."""
    held_by_chunk(tmp_path / "first", 5)  # what is kept once: weights of each stratum that is drawn
    held = held_by_chunk(tmp_path / "again", 5)
    assert held[4] - held[1] < 0.15 * held[1]


def held_by_chunk(root: Path, n: int, size: int = 100) -> dict[int, int]:
    """Bytes of Python and numpy when the last block of each chunk is out,
    but for what the first block loaded.
    """
    for name in ("survey", "truth"):
        (root / name).mkdir(parents=True)
    drawn = _blocks(root / "survey", root / "truth", n * size, RECIPE, size)
    next(drawn)
    tracemalloc.start()
    held = {block.chunk: tracemalloc.get_traced_memory()[0] for block in drawn}
    tracemalloc.stop()
    return held


def test_nothing_in_the_survey_names_a_true_value(made: Path) -> None:
    assert sorted(p.name for p in (made / "survey").iterdir()) == [
        "README.md", "apass.vot", "gaia_dr2.fits", "labels.fits", "spectra", "survey.toml",
        "targets.csv", "training", "twomass.csv", "xstps.csv",
    ]  # fmt: skip
    assert sorted(p.name for p in (made / "survey" / "training").iterdir()) == [
        "spectra", "stars.csv",
    ]  # fmt: skip


def test_headers_have_the_cards_of_a_real_file_and_say_simulated(files: list[Path]) -> None:
    cards = [k for k in fits.getheader(files[0]) if k]
    assert cards == [*DR5_CARDS.split(), "COMMENT", "SIMULAT"]
    header = fits.getheader(files[0])
    assert header["SIMULAT"] is True
    assert "SIMULATED" in str(header["COMMENT"])


def test_files_are_named_numbered_and_laid_out_as_in_dr5(files: list[Path]) -> None:
    assert len(files) == n_spectra(N_STARS)
    obsids = set()
    for path in files:
        with fits.open(path) as hdul:
            header, data = hdul[0].header, hdul[0].data
        assert path.name == header["FILENAME"] + ".gz"
        assert path.parent.name == header["PLANID"]
        name = f"spec-{header['LMJD']}-{header['PLANID']}_sp{header['SPID']:02d}-{header['FIBERID']:03d}.fits"
        assert header["FILENAME"] == name
        assert header["OBSID"] % 100_000 == 1000 * header["SPID"] + header["FIBERID"]
        assert (header["DATA_V"], header["VACUUM"], header["HELIO"]) == ("LAMOST DR5", True, True)
        assert header["MJD"] == header["LMJD"] - 1
        obsids.add(header["OBSID"])
        n = header["NAXIS1"]
        assert data.shape == (5, n)
        assert data.dtype == np.dtype(">f4")
        np.testing.assert_allclose(data[2], WAVELENGTH[:n], atol=1e-3)
        assert np.isfinite(data).all()
        assert (data[1] >= 0).all()
        assert set(np.unique(data[3:])) <= {0, 1, 2, 3}
        assert (data[1][data[4] > 0] == 0).all()
        assert (data[4][data[3] > 0] > 0).all()
    assert len(obsids) == len(files)


def test_truth_has_a_row_a_star_and_a_row_a_spectrum_marked_simulated(
    made: Path, files: list[Path]
) -> None:
    stars, visits = (
        pq.read_table(made / "truth" / f"{name}.parquet") for name in ("stars", "visits")
    )
    assert stars.num_rows == N_STARS
    assert sorted(visits["fitsname"].to_pylist()) == sorted(p.name[:-3] for p in files)
    assert set(visits["name"].to_pylist()) == set(stars["name"].to_pylist())
    assert stars["simulated"].to_pylist() == [True] * N_STARS
    assert stars.schema.metadata == {b"simulated": b"true"}


@pytest.mark.parametrize("table", ["stars", "visits"])
def test_every_column_of_the_truth_is_described(table: str, made: Path) -> None:
    described = (truth_module.__doc__ or "").split()
    assert [
        c
        for c in truth(made, table).column_names
        if not any(fnmatchcase(c, word) for word in described)
    ] == []


def test_the_header_redshift_is_the_true_velocity_with_its_error(
    made: Path, files: list[Path]
) -> None:
    visits = pq.read_table(made / "truth" / "visits.parquet")
    true = dict(zip(visits["fitsname"].to_pylist(), visits["rv"].to_pylist(), strict=True))
    headers = [fits.getheader(p) for p in files]
    pulls = [
        (h["Z"] * LIGHT_SPEED - true[h["FILENAME"]]) / (h["Z_ERR"] * LIGHT_SPEED) for h in headers
    ]
    assert np.std(pulls) == pytest.approx(1, abs=0.25)
    assert all(4 < h["Z_ERR"] * LIGHT_SPEED < 16 for h in headers)


def test_lb1_is_there_with_its_visits(made: Path) -> None:
    visits = pq.read_table(made / "truth" / "visits.parquet")["name"].to_pylist()
    star = pq.read_table(made / "truth" / "stars.parquet").slice(0, 1).to_pylist()[0]
    assert visits.count("LB-1") == 12
    assert (star["ra"], star["dec"]) == pytest.approx((LB1_RA, LB1_DEC), abs=1e-6)
    assert star["true_g_gaia"] == pytest.approx(11.5, abs=0.05)
    assert star["flux_ratio_v"] > 0.7


def test_tables_have_the_archives_own_names(made: Path) -> None:
    survey = made / "survey"
    gaia = Table.read(survey / "gaia_dr2.fits")
    assert {"source_id", "ref_epoch", "parallax", "phot_bp_mean_flux_over_error", "ruwe"} <= set(
        gaia.colnames
    )
    assert gaia["source_id"].dtype == np.dtype(">i8")
    assert gaia["source_id"].max() > 2**53
    assert len(set(gaia["source_id"])) == len(gaia)
    assert set(gaia["ref_epoch"]) == {2015.5}
    assert str(gaia["parallax"].unit) == "mas"
    names = [f'name="{n}"' for n in ("RAJ2000", "Vmag", "e_Vmag", "g&apos;mag", "e_i&apos;mag")]
    text = (survey / "apass.vot").read_text(encoding="utf-8")
    assert all(name in text for name in names)
    assert (
        (survey / "twomass.csv")
        .read_text(encoding="utf-8")
        .startswith("designation,ra,dec,j_m,j_msigcom,")
    )
    specids = {
        r.split(",")[0]
        for r in (survey / "targets.csv").read_text(encoding="utf-8").splitlines()[1:]
    }
    assert set(Table.read(survey / "labels.fits")["specid"]) <= specids
    assert len(specids) == n_spectra(N_STARS)
