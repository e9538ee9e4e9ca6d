"""What `import obcat` shows: names, help, errors, old paths; stars by every name; cones;
parameters; checks.
"""

import ast
import importlib
import inspect
import pydoc
from pathlib import Path

import astropy.units as u
import matplotlib as mpl
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

import obcat
from obcat.catalog import Catalog, Spectrum
from obcat.explain import position_of
from obcat.kernels.grid import N_PIXEL, WAVELENGTH

GAIA = 4611686018427387905  # no double holds it
ROWS = [
    ("v1", "S0300000100000", 2, 30.0, 10.0, GAIA),
    ("v2", "S0300000100000", 1, 30.0, 10.0, GAIA),
    ("w1", "S0300004100000", 1, 30.001, 10.0, None),
    ("x1", "S3595959895959", 1, 359.9999, 89.0, GAIA - 1),
]
DESIGNATION = "LAMOST J020000.00+100000.0"


@pytest.fixture
def filled(database, con, fill) -> Path:
    names = ("specid", "star_id", "uniqflag", "ra", "dec", "gaia_id")
    rows = [dict(zip(names, row, strict=True)) for row in ROWS]
    for row in rows:
        row |= {"gaia_name": row["gaia_id"] and f"Gaia DR2 {row['gaia_id']}"}
        row |= {"simulated": 1, "fitsname": f"spec-{row['specid']}.fits", "mk": -1.0}
    fill(con, "catalog.ob_stars", rows)
    fill(con, "sample.visits", [{k: r[k] for k in names[:3]} | {"snr_g": 50.0} for r in rows])
    fill(
        con, "sample.targets", [{"specid": "v1", "name": "HD 1"}, {"specid": "w1", "name": "HD 1"}]
    )
    fill(con, "raw.headers", [{"specid": "v1", "z": 2e-4, "desig": DESIGNATION}])
    pixels = {"flux": np.ones(N_PIXEL, np.float32), "ivar": np.ones(N_PIXEL, np.float32)}
    pixels["ivar"][100:120] = 0
    fill(con, "raw.spectra", [{"specid": "v1", "z": 2e-4, **pixels}])
    con.execute(
        "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('demo', 1, 'DR5', NULL)"
    )
    con.close()
    return database


@pytest.fixture
def catalog(filled):
    with obcat.open(filled, trust=True) as opened:
        yield opened


@pytest.fixture
def release(filled, tmp_path):
    """The catalog and meta alone, as the database of a release has them."""
    from obcat import db
    from obcat.export import database

    with db.connect(filled) as con:
        con.execute("INSERT INTO meta.provenance VALUES ('fingerprint', 'x')")
    path = tmp_path / "released.duckdb"
    database.write(path, filled)
    with obcat.open(path, trust=True) as opened:
        yield opened


def test_a_catalog_shows_itself(catalog, filled):
    assert repr(catalog) == "Catalog 'demo' (SIMULATED): 4 spectra of 3 stars"
    assert (catalog.name, catalog.simulated, catalog.path) == ("demo", True, filled)
    shown = catalog._repr_html_()
    assert "Catalog &#x27;demo&#x27; (SIMULATED)" in shown
    assert "S0300000100000" in shown
    catalog.close()
    assert repr(catalog) == "Catalog 'demo' (SIMULATED), closed"
    assert catalog._repr_html_() == "<p>Catalog &#x27;demo&#x27; (SIMULATED), closed</p>"


def test_a_real_survey_is_not_called_simulated(database, con, fill):
    fill(con, "catalog.ob_stars", [{"specid": "a", "star_id": "A", "uniqflag": 1}])
    con.execute(
        "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('<b>', 0, 'DR5', NULL)"
    )
    con.close()
    with obcat.open(database, trust=True) as catalog:
        assert repr(catalog) == "Catalog '<b>': 1 spectra of 1 stars"
        assert "<b>'" not in catalog._repr_html_()


def test_a_database_of_others_shows_itself_too(tmp_path):
    import duckdb

    with duckdb.connect(tmp_path / "x.duckdb") as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS x")
    with obcat.open(tmp_path / "x.duckdb", trust=True) as catalog:
        assert repr(catalog) == "Catalog 'x.duckdb': no table catalog.ob_stars in x.duckdb"
        assert catalog._repr_html_().startswith("<p>Catalog")
        for ask in (catalog.table, catalog.check, lambda: catalog.star("a")):
            with pytest.raises(obcat.ObcatError) as refusal:
                ask()
            assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "name",
    [
        "v1", "V2", "spec-v1.fits", "S0300000100000", GAIA, str(GAIA), f"Gaia DR2 {GAIA}",
        f" gaia  dr2 {GAIA}", DESIGNATION, DESIGNATION[7:].lower(), "30 10", "30.0005, +10.0005",
        "02:00:00 +10:00:00", "02 00 00.0 +10 00 00", "2h00m00s 10d00m00s", np.str_("v1"),
    ],
)  # fmt: skip
def test_a_star_by_every_name(catalog, name):
    found = catalog.star(name)
    assert found["specid"].tolist() == ["v2", "v1"]
    assert found.colnames == catalog.table().colnames
    assert found["ra"].unit == u.deg


def test_a_name_of_two_stars_gives_both(catalog):
    assert catalog.star("hd 1")["specid"].tolist() == ["v2", "v1", "w1"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("S0300000100001", "no star 'S0300000100001'; did you mean 'S0300000100000'?"),
        ("HD 11", "no star 'HD 11'; did you mean 'HD 1'?"),
        ("zzz", "no star 'zzz'"),
        ("", "no star ''"),
        ("x' OR 1=1", "no star \"x' OR 1=1\""),
        ("10 95", "no star '10 95'"),
        (7, "no star '7'"),
        ("30 11", "no star within 10 arcsec of 30.000000 11.000000; the nearest, S0300000100000, "
         "is 3600.0 arcsec away"),
    ],
)  # fmt: skip
def test_no_such_star_names_the_nearest(catalog, name, said):
    with pytest.raises(KeyError) as refusal:
        catalog.star(name)
    assert str(refusal.value) == said
    assert isinstance(refusal.value, obcat.StarNotFound | obcat.ObcatError)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("92.95450 +22.82575", (92.9545, 22.82575)),
        ("92.9545,-22.8", (92.9545, -22.8)),
        ("06:11:49.08 +22:49:32.7", (92.9545, 22.82575)),
        ("06 11 49.08 -22 49 32.7", (92.9545, -22.82575)),
        ("6h11m49.08s +22°49′32.7″", (92.9545, 22.82575)),
        ("92d57m16.2s 22d49m32.7s", (92.9545, 22.82575)),
        ("361 0", None),
        ("06 61 00 10 00 00", None),
        ("12345", None),
        ("M 31", None),
        ("hms", None),
        ("", None),
    ],
)
def test_positions_in_degrees_and_sexagesimal(text, place):
    assert position_of(text) == (None if place is None else pytest.approx(place, abs=1e-9))


def test_a_cone_has_separations_and_an_order(catalog):
    found = catalog.cone(30.0, 10.0, 5 / 3600)
    assert found["specid"].tolist() == ["v1", "v2", "w1"]
    assert found["separation"].unit == u.arcsec
    # 0.001 degrees of right ascension at declination 10
    expected = 3.6 * np.cos(np.radians(10))
    assert found["separation"].tolist() == pytest.approx([0, 0, expected], abs=1e-6)
    assert len(catalog.cone(30.0, 10.0, 3 / 3600)) == 2
    assert len(catalog.cone(30.0, 10.0, 0)) == 2
    assert len(catalog.cone(30.0, -10.0, 1)) == 0
    assert len(catalog.cone(0.0, 0.0, 180)) == 4


def test_a_cone_takes_what_astropy_has(catalog):
    place = SkyCoord(30 * u.deg, 10 * u.deg)
    for found in (
        catalog.cone(place, 5 * u.arcsec),
        catalog.cone(place.galactic, 5 * u.arcsec),
        catalog.cone(place, 5 / 3600),
        catalog.cone(2 * u.hourangle, 600 * u.arcmin, radius=5 * u.arcsec),
    ):
        assert found["specid"].tolist() == ["v1", "v2", "w1"]
    assert catalog.cone(-0.0001, 89.0, 1e-6)["specid"].tolist() == ["x1"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((30, 91, 1), "dec is 91"),
        ((30, 10, -1), "radius is -1"),
        ((30, 10, 181), "radius is 181"),
        ((float("nan"), 10, 1), "ra is nan"),
        ((30, 10, float("nan")), "radius is nan"),
        ((30, 10), r"cone\(ra, dec, radius\)"),
        ((30 * u.mag, 10, 1), "ra: .* is no angle"),
        (("x", 10, 1), "ra: 'x' is no angle"),
        ((SkyCoord([1, 2] * u.deg, [1, 2] * u.deg), 1), "one position"),
        ((SkyCoord(1 * u.deg, 1 * u.deg), 1, 1), "one position"),
    ],
)
def test_a_cone_that_cannot_be(catalog, given, said):
    with pytest.raises(ValueError, match=said):
        catalog.cone(*given)


def test_parameters_say_what_was_used(filled):
    from obcat import db

    with db.connect(filled) as con:
        con.execute("UPDATE meta.parameters SET binary_nsigma = 2.5")
        db.describe(con)
    with obcat.open(filled, trust=True) as catalog:
        used = catalog.parameters
    assert used["binary_nsigma"].value == 2.5
    assert used["binary_nsigma"].status.startswith("survey, in place of 2, paper")
    assert used["continuum_sigma"] == (
        50.0, "Angstrom", "assumed (after Ho et al. 2017)",
        "width (sigma) of the Gaussian that smooths the pseudo-continuum",
    )  # fmt: skip
    assert len(used) > 50
    assert all(number.status and number.meaning for number in used.values())


def test_explain_and_check_are_those_of_the_commands(catalog, filled):
    from obcat.explain import explain

    assert catalog.explain("v1") == explain(filled, "v1")
    assert "found by LAMOST designation (SIMULATED" in catalog.explain(DESIGNATION)
    with pytest.raises(KeyError, match="no star 'nobody'"):
        catalog.explain("nobody")
    assert "24_uniqflag" in catalog.check()


def test_a_release_has_stars_and_says_what_it_has_not(release):
    assert repr(release) == "Catalog 'demo' (SIMULATED): 4 spectra of 3 stars"
    assert release.star("v1")["specid"].tolist() == ["v2", "v1"]
    assert release.star("30 10")["specid"].tolist() == ["v2", "v1"]
    assert len(release.cone(30, 10, 1)) == 3
    assert release.parameters["binary_nsigma"].value == 2
    with pytest.raises(KeyError, match="did you mean"):
        release.star("S030000010000")
    for ask in (lambda: release.explain("v1"), release.check, lambda: release.spectrum("v1")):
        with pytest.raises(obcat.Missing, match="a release has the catalog alone"):
            ask()
    with pytest.raises(obcat.QueryRefused):
        release.table("sample.visits")


def test_a_spectrum_says_what_it_is_and_stays_a_tuple(catalog):
    spectrum = catalog.spectrum(np.str_("v1"), frame="rest")
    assert repr(spectrum).startswith("Spectrum 'v1' (SIMULATED), rest: 3,909 pixels, 2")
    wavelength, flux, ivar = spectrum
    assert (wavelength == WAVELENGTH).all()
    assert len(spectrum) == 3
    other = spectrum._replace(flux=2 * flux)
    assert (other.specid, other.frame, other.simulated) == ("v1", "rest", True)
    assert (other.flux == 2 * flux).all()
    assert repr(Spectrum(wavelength, flux, ivar)).startswith("Spectrum '', observed: 3,909")


def test_a_spectrum_draws_itself_with_its_mask(catalog):
    mpl.use("Agg")
    from matplotlib import pyplot

    spectrum = catalog.spectrum("v1")
    axes = spectrum.plot()
    try:
        assert axes.get_title() == "v1, SIMULATED"
        assert "Angstrom" in axes.get_xlabel()
        drawn = axes.lines[0].get_ydata()
        assert np.flatnonzero(np.isnan(drawn)).tolist() == list(range(100, 120))
        grey = axes.collections[0].get_paths()[0].get_extents()
        assert grey.x0 == pytest.approx(WAVELENGTH[100], abs=1)
        assert grey.x1 == pytest.approx(WAVELENGTH[119], abs=1)
        assert spectrum.plot(axes) is axes
        real = Spectrum(*spectrum, specid="v1").plot(axes)
        assert real.get_title() == "v1"
    finally:
        pyplot.close(axes.figure)


def test_every_name_of_the_face_is_there():
    assert set(obcat.__all__) <= set(dir(obcat))
    for name in obcat.__all__:
        assert getattr(obcat, name).__name__ == name
    errors = [v for n in obcat.__all__ if isinstance(v := getattr(obcat, n), type)]
    errors = [v for v in errors if issubclass(v, Exception)]
    assert len(errors) >= 6
    assert all(issubclass(error, obcat.ObcatError) for error in errors)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = obcat.nothing


def test_types_of_the_face_are_those_given():
    """What a type checker is told and what a session gets are the same names from the same
    modules.
    """
    tree = ast.parse(Path(obcat.__file__).read_text(encoding="utf-8"))
    told = {
        alias.name: node.module
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == obcat._HOMES
    assert sorted(told) == obcat.__all__


@pytest.mark.parametrize("name", ["open", "predict"])
def test_help_is_complete(name):
    said = pydoc.render_doc(getattr(obcat, name), renderer=pydoc.plaintext)
    for parameter in inspect.signature(getattr(obcat, name)).parameters:
        assert said.count(parameter) > 1, parameter
    for part in ("Parameters", "Raises", "Examples", ">>> import obcat", f"obcat.{name}("):
        assert part in said


def test_every_method_has_an_example():
    methods = [getattr(Catalog, n) for n in vars(Catalog) if not n.startswith("_")]
    methods += [Spectrum.plot, Spectrum.to_specutils, Spectrum, Catalog]
    for method in methods:
        assert ">>> " in inspect.getdoc(method), method
    public = {n for n in vars(Catalog) if not n.startswith("_")}
    assert public == {
        "check", "close", "cone", "explain", "modes", "parameters", "posterior", "send", "spectrum", "sql",
        "star", "table",
    }  # fmt: skip


OLD = {
    "obcat.query": ("QueryRefused", "obcat.query.sql"),
    "obcat.trust": ("NotTrusted", "obcat.reading"),
    "obcat.build": ("build", "obcat.build.run"),
}


@pytest.mark.parametrize("module", OLD)
def test_old_paths_answer_for_one_release_and_say_so(module):
    name, home = OLD[module]
    old = importlib.import_module(module)
    with pytest.warns(FutureWarning, match=f"{module}.{name} is called {home}.{name}; ") as said:
        found = getattr(old, name)
    assert said[0].filename == __file__
    new = importlib.import_module(home)
    assert found is getattr(new, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = old.nothing


def test_build_failed_has_its_old_path():
    with pytest.warns(FutureWarning):
        from obcat.build import BuildFailed
    from obcat.build.run import BuildFailed as new

    assert BuildFailed is new
