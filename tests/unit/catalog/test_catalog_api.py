"""import obcat: tables with units and whole ids, spectra, SQL,
and models on a user's own spectra.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest

import obcat
from obcat import db
from obcat import models as model_file
from obcat.export.release import release
from obcat.kernels.continuum import rest_frame
from obcat.kernels.grid import N_PIXEL, WAVELENGTH, clean_pixels, full_pixels, on_grid
from obcat.prediction import _best_of
from obcat.query.sql import QueryRefused
from obcat.schema import columns_of

BIG = 4611686018427387905  # no double holds it


def test_import_is_light():
    script = (
        "import sys, obcat; sys.exit(bool({'numpy', 'duckdb', 'pyarrow', 'astropy', "
        "'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.fixture
def catalog(database, con, fill):
    stars = [
        {
            "specid": "b",
            "star_id": "B",
            "uniqflag": 1,
            "gaia_id": None,
            "mk": None,
            "em_flag": None,
        },
        {
            "specid": "a",
            "star_id": "A",
            "uniqflag": 1,
            "gaia_id": BIG,
            "mk": -1.5,
            "em_flag": 1,
            "gaia_name": "x",
        },
    ]
    flux = 1 + np.arange(N_PIXEL, dtype=np.float32) / N_PIXEL
    fill(con, "catalog.ob_stars", stars)
    fill(
        con,
        "raw.spectra",
        [{"specid": "a", "flux": flux, "ivar": np.full(N_PIXEL, 4.0, np.float32), "z": 2e-4}],
    )
    fill(con, "raw.headers", [{"specid": "a", "z": 2e-4}])
    con.close()
    with obcat.open(database, trust=True) as opened:
        yield opened


def test_table_has_units_descriptions_and_masks(catalog):
    table = catalog.table()
    assert table["specid"].tolist() == ["a", "b"]
    assert table["gaia_id"].tolist() == [BIG, None]
    assert table["gaia_id"].dtype == np.int64
    assert table["em_flag"].tolist() == [1, None]
    assert table["mk"].tolist() == [-1.5, None]
    assert table["mk"].unit == u.mag
    assert table["pmra"].unit == u.mas / u.yr
    declared = columns_of("catalog.ob_stars")
    assert table.colnames == [c.column for c in declared]
    for column in declared:
        assert table[column.column].description == column.description
        assert table[column.column].meta["ucd"] == column.ucd


def test_table_of_the_schema_and_of_none(catalog):
    assert len(catalog.table("meta.quality_bits")) >= 18
    with pytest.raises(KeyError, match=r"did you mean 'catalog\.ob_stars'"):
        catalog.table("catalog.obstars")


def test_the_catalog_of_either_mode(database, con, fill):
    rows = [
        {"specid": s, "star_id": s.upper(), "uniqflag": 1, "ra": 10.0, "dec": 0.0} for s in "ab"
    ]
    fill(con, "catalog.ob_stars", [r | {"mk": -1.0} for r in rows])
    fill(con, "catalog.ob_stars_best", [r | {"mk": -2.0, "p_companion": 0.25} for r in rows])
    con.close()
    with obcat.open(database, trust=True) as opened:
        assert opened.modes == ("paper", "best")
        best = opened.table(mode="best")
        assert best.colnames == [c.column for c in columns_of("catalog.ob_stars_best")]
        assert best["p_companion"].meta["ucd"] == "stat.probability"
        for mode, mk in (("paper", -1.0), ("best", -2.0)):
            assert opened.table(mode=mode)["mk"].tolist() == [mk, mk]
            assert opened.star("A", mode=mode)["mk"].tolist() == [mk]
            assert opened.cone(10, 0, 0.1, mode=mode)["mk"].tolist() == [mk, mk]
        with pytest.raises(ValueError, match="no mode 'bets'; did you mean 'best'"):
            opened.table(mode="bets")


def test_a_catalog_without_best_mode_says_so(catalog):
    assert catalog.modes == ("paper",)
    for question in (
        lambda: catalog.table(mode="best"),
        lambda: catalog.star("A", mode="best"),
        lambda: catalog.cone(10, 20, 1, mode="best"),
    ):
        with pytest.raises(obcat.Missing, match=r"no best mode here.*modes = "):
            question()


def test_spectrum_as_observed_and_at_rest(catalog):
    observed, rest = catalog.spectrum("a"), catalog.spectrum("a", frame="rest")
    assert observed.flux[1000] == np.float32(1 + 1000 / N_PIXEL)
    assert (observed.wavelength == WAVELENGTH).all()
    expected = rest_frame(observed.flux[None], observed.ivar[None], np.array([2e-4]))
    assert (rest.flux == expected[0][0]).all()
    assert (rest.ivar == expected[1][0]).all()
    assert rest.ivar[-1] == 0


def test_spectrum_that_is_not_there(catalog):
    with pytest.raises(KeyError, match="no spectrum 'x'"):
        catalog.spectrum("x")
    with pytest.raises(KeyError):
        catalog.spectrum("a' OR specid <> '")
    with pytest.raises(ValueError, match="observed, rest, normalised"):
        catalog.spectrum("a", frame="air")


def test_spectrum_for_specutils(catalog):
    specutils = pytest.importorskip("specutils", reason="specutils is not installed")
    rest = catalog.spectrum("a", frame="rest")
    found = rest.to_specutils()
    assert isinstance(found, specutils.Spectrum)
    assert found.spectral_axis.unit == u.AA
    assert (found.spectral_axis.value == WAVELENGTH).all()
    assert found.flux.unit == u.dimensionless_unscaled
    assert (found.flux.value == rest.flux).all()
    assert (found.uncertainty.array == rest.ivar).all()
    assert found.uncertainty.uncertainty_type == "ivar"
    assert found.mask.any()
    assert (found.mask == (rest.ivar == 0)).all()
    # what specutils makes of it: the S/N of a good pixel is flux sqrt(ivar)
    from specutils.analysis import snr

    assert float(snr(found[1000:1001])) == pytest.approx(rest.flux[1000] * rest.ivar[1000] ** 0.5)


def test_without_specutils_the_import_says_so(catalog, monkeypatch):
    monkeypatch.setitem(sys.modules, "specutils", None)
    with pytest.raises(ModuleNotFoundError, match="specutils"):
        catalog.spectrum("a").to_specutils()


def test_sql_gives_arrow_and_is_locked_down(catalog):
    assert catalog.sql("SELECT max(gaia_id) AS g FROM catalog.ob_stars").to_pylist() == [{"g": BIG}]
    assert catalog.sql("SELECT 1 AS x").to_pylist() == [{"x": 1}]
    for query in ("FROM '/etc/passwd'", "CREATE TEMP TABLE t AS SELECT 1", "SELECT 1; SELECT 2"):
        with pytest.raises(QueryRefused):
            catalog.sql(query)


def test_a_folder_can_be_opened_and_a_missing_file_cannot(database):
    with obcat.open(database.parent, trust=True) as opened:
        assert len(opened.table()) == 0
    with pytest.raises(QueryRefused):
        obcat.open(database.parent / "none.duckdb")


def test_closed_is_closed(database):
    opened = obcat.open(database, trust=True)
    opened.close()
    with pytest.raises(QueryRefused):
        opened.sql("SELECT 1")


FLUX = np.linspace(1, 2, N_PIXEL)[None].repeat(2, axis=0)
IVAR = np.full((2, N_PIXEL), 4.0)


@pytest.mark.parametrize(("first", "last"), [(0, N_PIXEL), (100, 3000), (3, N_PIXEL)])
def test_spectra_on_the_grid_are_placed(first, last):
    # 5 km/s of phase is less than the tolerance: nothing is mixed
    wavelength = WAVELENGTH[first:last] * (1 + 5 / 3e5)
    flux, ivar = on_grid(wavelength, FLUX[:, first:last], IVAR[:, first:last])
    assert (flux[:, first:last] == FLUX[:, first:last].astype(np.float32)).all()
    assert (ivar[:, first:last] == 4).all()
    assert ivar.sum() == 4 * 2 * (last - first)


def test_spectra_wider_than_the_grid_are_cut():
    wavelength = 10 ** (3.5682 + 1e-4 * np.arange(-10, N_PIXEL + 10))
    rows = np.arange(1.0, N_PIXEL + 21)[None]
    flux, _ = on_grid(wavelength, rows, np.ones_like(rows))
    assert flux[0, 0] == 11
    assert flux[0, -1] == N_PIXEL + 10


def test_other_spectra_are_interpolated_with_their_variance():
    # samples half a pixel off: the mean of two, of half the variance
    wavelength = 10 ** (3.5682 + 1e-4 * (np.arange(1000, 1500) + 0.5))
    rows = np.linspace(1, 2, 500)[None]
    flux, ivar = on_grid(wavelength, rows, np.full_like(rows, 4.0))
    assert flux[0, 1001:1500] == pytest.approx((rows[0, 1:] + rows[0, :-1]) / 2, rel=1e-6)
    assert ivar[0, 1001:1500] == pytest.approx(8.0, rel=1e-6)
    assert np.flatnonzero(ivar[0]).tolist() == list(range(1001, 1500))  # never beyond the samples


def test_unequal_weights_carry_unequal_variances():
    # a quarter of the way: 0.75^2 / 4 + 0.25^2 / 1
    wavelength = 10 ** (3.5682 + 1e-4 * (np.arange(100, 110) - 0.25))
    ivar = np.array([[4.0, 1.0] * 5])
    found = on_grid(wavelength, np.ones((1, 10)), ivar)[1]
    assert found[0, 100] == pytest.approx(1 / (0.75**2 / 4 + 0.25**2), rel=1e-5)


def test_masked_pixels_and_gaps_are_not_bridged():
    pixel = np.concatenate([np.arange(100, 200), np.arange(300, 400)]) + 0.5
    flux, ivar = np.ones((1, 200)), np.full((1, 200), 4.0)
    flux[0, 10], ivar[0, 20], flux[0, 30] = np.nan, 0, 0
    found_flux, found = on_grid(10 ** (3.5682 + 1e-4 * pixel), flux, ivar)
    missing = {110, 111, 120, 121, 130, 131}
    assert set(np.flatnonzero(found[0])) == set(range(101, 200)) - missing | set(range(301, 400))
    assert np.isfinite(found_flux).all()


@pytest.mark.parametrize(
    "given",
    [
        (WAVELENGTH[:10], np.ones((1, 11)), np.ones((1, 11))),
        (WAVELENGTH[:10], np.ones((1, 10)), np.ones((2, 10))),
        (WAVELENGTH[9::-1], np.ones((1, 10)), np.ones((1, 10))),
        (np.zeros(10), np.ones((1, 10)), np.ones((1, 10))),
    ],
)
def test_shapes_and_order_are_checked(given):
    with pytest.raises(ValueError, match="wavelength"):
        on_grid(*given)


ABSORPTION = 0.4 * np.exp(-0.5 * ((WAVELENGTH - 6564.6) / 6) ** 2)


def padded(row) -> np.ndarray:
    """One component of 100, the others nothing."""
    return np.concatenate([np.atleast_2d(row), np.zeros((99, N_PIXEL))]).astype(np.float32)


def network(prefix: str, mk: float) -> dict[str, np.ndarray]:
    """A network that always says mk."""
    layers = {
        "w0": np.zeros((100, 2)),
        "b0": np.zeros(2),
        "w1": np.zeros((2, 2)),
        "b1": np.zeros(2),
        "w2": np.zeros(2),
    }
    ends = {"brightest": np.array(-9.0), "b2": np.array(mk)}
    return {f"{prefix}_{name}": a for name, a in (layers | ends).items()}


def hand_made() -> dict[str, dict[str, np.ndarray]]:
    used, clean = full_pixels(3750.0, 9000.0), clean_pixels(3750.0, 9000.0)
    pca = {
        "mean": np.where(used, 1.0, np.nan),
        "scale": np.where(used, 0.01, 0),
        "clean_basis": padded(clean / np.sqrt(clean.sum())),
        "full_basis": padded(used / np.sqrt(used.sum())),
        "full_from_clean": padded(used / np.sqrt(clean.sum())),
        "score_clean_scale": np.ones(100),
        "score_full_scale": np.ones(100),
        "residual_sd": np.full(N_PIXEL, 0.003),
        "excess_curve": np.zeros(0),
        "excess_limits": np.zeros((2, 0)),
        "excess_calibration": np.array([0.0, 1.0, 0.002, 3.09]),
    }
    no_trees = {
        f"{label}_{a}": np.zeros((0, 0)) for label in ("log_teff", "logg", "feh") for a in TREES
    }
    no_trees |= {f"{label}_scatter": np.array(0.1) for label in ("log_teff", "logg", "feh")}
    noise = {"sigma_int": np.array([0.2, 0.4]), "sigma_100": np.array([0.1, 0.3])}
    return {
        "pca": pca,
        "labels": no_trees,
        "joined_labels": dict.fromkeys(CURVES, np.zeros(0)) | {"limit": np.array(6.0)},
        "luminosity": network("full", -1.5) | network("clean", -2.5),
        "domain": dict.fromkeys(LIMITS, np.zeros(0)),
        "noise": noise,
    }


CURVES = ("centre", "scale", "log_teff_curve", "log_teff_scatter", "logg_curve", "logg_scatter")
LIMITS = ("points", "centre", "scale", "far_snr", "far_limit", "misfit_snr", "misfit_limit")
TREES = ("feature", "threshold", "left", "right", "value")


@pytest.fixture
def build(database, con):
    (database.parent / "models").mkdir()
    con.execute(
        "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('demo', 1, 'DR5', NULL)"
    )
    for name, arrays in hand_made().items():
        con.execute("INSERT INTO model.fits VALUES (?, ?, 0, 'fitted')", [name, name])
        for array, values in arrays.items():
            row = [name, array, values.dtype.str, list(values.shape), values.tobytes()]
            con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)", row)
    con.close()
    return database


def test_predict_runs_the_chain_with_the_models_of_a_build(build):
    bump = 2 * ABSORPTION
    flux = np.stack([np.ones(N_PIXEL), 1 + bump, np.ones(N_PIXEL)])
    ivar = np.full(flux.shape, 1e4)
    ivar[2] = 0
    found = obcat.predict(WAVELENGTH, 1e3 * flux, ivar / 1e6, models=build, z=0.0)
    assert found["em_flag"].tolist() == [0, 1, None]
    assert found["mk"].tolist() == [-1.5, -2.5, None]
    # S/N = 100: sqrt(0.2^2 + 0.1^2), sqrt(0.4^2 + 0.3^2)
    assert found["snr_g"][:2].tolist() == pytest.approx([100, 100], rel=1e-3)
    assert found["mk_err"].tolist()[:2] == pytest.approx([0.05**0.5, 0.5], rel=1e-3)
    # 0.8 * 6 Angstrom * sqrt(2 pi), less what the continuum takes up and what lies outside 15
    # Angstrom
    assert 10 < found["halpha_ew"][1] < 12.1
    assert found["teff"].mask.all()
    assert found["mk"].unit == u.mag
    assert found["masked_fraction"].tolist() == [0, 0, 1]


def test_predict_takes_one_spectrum_and_its_snr(build):
    found = obcat.predict(
        WAVELENGTH, np.ones(N_PIXEL), np.full(N_PIXEL, 1e4), models=build, z=1e-4, snr_g=50
    )
    assert len(found) == 1
    # sqrt(0.2^2 + 0.2^2)
    assert found["mk_err"][0] == pytest.approx(0.08**0.5)


def test_predict_has_the_domain_of_the_catalog(build):
    """The networks made by hand say -1.5 and -2.5;
    a limit between them is what mk_faint_limit is.
    """
    flux = np.stack([np.ones(N_PIXEL), 1 + 2 * ABSORPTION])
    with db.connect(build) as con:
        con.execute("UPDATE meta.parameters SET mk_faint_limit = -2")
    found = obcat.predict(WAVELENGTH, flux, np.full(flux.shape, 1e4), models=build, z=0.0)
    assert found["mk"].tolist() == [-1.5, -2.5]
    assert found["out_of_domain"].tolist() == [1, 0]


def test_predict_gives_a_star_the_labels_of_its_best_visit():
    star = np.array(["b", "a", "b", "a", "c"])
    assert _best_of(star, np.array([10.0, 20.0, 30.0, 20.0, np.nan])).tolist() == [2, 1, 2, 1, 4]
    assert _best_of(np.arange(3), np.full(3, np.nan)).tolist() == [0, 1, 2]


def test_predict_without_a_redshift_says_nothing(build):
    found = obcat.predict(
        WAVELENGTH, np.ones(N_PIXEL), np.full(N_PIXEL, 1e4), models=build, z=np.nan
    )
    assert found["mk"].tolist() == [None]


@pytest.fixture(scope="module")
def once(tmp_path_factory) -> Path:
    """Where a release is written, once for those that change a copy of it."""
    return tmp_path_factory.mktemp("once") / "release"


@pytest.fixture
def exported(build, once, tmp_path) -> Path:
    if not once.exists():
        release(build, once)
    return Path(shutil.copytree(once, tmp_path / "release")) / "models.safetensors"


def test_predict_needs_no_database(build, exported):
    flux = np.stack([np.ones(N_PIXEL), 1 + 2 * ABSORPTION])
    given = {"wavelength": WAVELENGTH, "flux": flux, "ivar": np.full(flux.shape, 1e4), "z": 1e-4}
    alone, of_build = (obcat.predict(**given, models=path) for path in (exported, build))
    assert alone.colnames == of_build.colnames
    for name in alone.colnames:
        assert np.array_equal(np.ma.filled(alone[name], -1), np.ma.filled(of_build[name], -1)), name
    assert alone["mk"].tolist() == [-1.5, -2.5]


def test_the_file_of_models_says_what_it_is_and_is_the_same_every_time(exported, build):
    models, facts = model_file.read(exported)
    assert facts["simulated"] is True
    assert facts["warning"].startswith("SIMULATED")
    assert facts["parameters"]["binary_nsigma"] == 2.0
    assert models["luminosity"]["full_b2"].shape == ()
    first = exported.read_bytes()
    release(build, exported.parent)
    assert exported.read_bytes() == first


@pytest.mark.parametrize("place", [-5, -100_000, 3000])
def test_a_damaged_file_of_models_is_refused(exported, place):
    data = bytearray(exported.read_bytes())
    data[place] ^= 4
    exported.write_bytes(data)
    with pytest.raises(model_file.DamagedModels, match=r"models\.safetensors: "):
        model_file.read(exported)


def test_every_parameter_and_fact_is_under_the_checksum(exported):
    """Flips in the head: it is refused, or says what it said (the bit was in a blank)."""
    content, found = exported.read_bytes(), 0
    models, facts = model_file.read(exported)
    head = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(5)
    for place in rng.choice(head, 400, replace=False):
        data = bytearray(content)
        data[place] ^= 1 << rng.integers(8)
        exported.write_bytes(data)
        try:
            others, said = model_file.read(exported)
        except model_file.DamagedModels:
            found += 1
            continue
        assert said == facts
        assert all(
            np.array_equal(others[m][a], models[m][a], equal_nan=True)
            for m in models
            for a in models[m]
        )
    assert found > 350
    exported.write_bytes(content.replace(b'\\"binary_nsigma\\": 2.0', b'\\"binary_nsigma\\": 3.0'))
    assert exported.read_bytes() != content
    with pytest.raises(model_file.DamagedModels, match="damaged"):
        model_file.read(exported)


@pytest.mark.parametrize("data", [b"", b"no models" * 100])
def test_what_is_no_file_of_models_is_refused(tmp_path, data):
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(model_file.DamagedModels, match=r"x\.safetensors: cannot be read"):
        obcat.predict(
            WAVELENGTH, np.ones(N_PIXEL), np.ones(N_PIXEL), models=tmp_path / "x.safetensors", z=0.0
        )
    with pytest.raises(model_file.DamagedModels):
        obcat.predict(
            WAVELENGTH,
            np.ones(N_PIXEL),
            np.ones(N_PIXEL),
            models=tmp_path / "none.safetensors",
            z=0.0,
        )


def test_predict_needs_models(database, con):
    con.execute(
        "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('demo', 1, 'DR5', NULL)"
    )
    con.close()
    with pytest.raises(KeyError, match="no model 'pca'"):
        obcat.predict(
            WAVELENGTH, np.ones(N_PIXEL), np.ones(N_PIXEL), models=database, z=0.0, trust=True
        )
