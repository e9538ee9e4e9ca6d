"""Of a HATS catalog the rows near a spectrum are read: those that give every pair of the whole."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy_healpix import HEALPix

from obcat import db
from obcat.build.run import BuildFailed, read_inputs
from obcat.ingest import tables
from obcat.ingest.errors import IngestError
from obcat.ingest.survey import ingest as ingest_survey
from obcat.ingest.tables import Near, ingest, ingest_near, unit_vectors
from obcat.survey import load
from tests.lamost_files import Fake

FINEST = 29
ORDERS = (1, 3)  # of pixels: those of the first are whole but for some that are split
EPOCH, GAIA_EPOCH = 2000.0, 2016.0
FAST = 1000.0  # mas/yr
RNG = np.random.default_rng(13)
GIVEN = 7  # a source that a list gives to a star far away from it
Sky = tuple[np.ndarray, np.ndarray]


def cells(sky: Sky, order: int) -> np.ndarray:
    ra, dec = (angle * u.deg for angle in sky)
    return HEALPix(2**order, order="nested").lonlat_to_healpix(ra, dec).astype(np.int64)


def hard_places() -> Sky:
    """On the borders of pixels of both orders, at the poles and at 0 h; ICRS, degrees."""
    found = []
    for order in ORDERS:
        grid = HEALPix(2**order, order="nested")
        ra, dec = grid.boundaries_lonlat(np.arange(0, grid.npix, 1 if order == 1 else 3), 8)
        found.append((ra.to_value("deg").ravel(), dec.to_value("deg").ravel()))
    found.append((RNG.uniform(0, 360, 200), 90 - np.abs(RNG.normal(0, 3, 200)) / 3600))
    found.append((RNG.uniform(0, 360, 200), -90 + np.abs(RNG.normal(0, 3, 200)) / 3600))
    found.append((RNG.normal(0, 2, 800) / 3600 % 360, RNG.uniform(-80, 80, 800)))
    ra, dec = (np.concatenate(part) for part in zip(*found, strict=True))
    return ra % 360, np.clip(dec, -90, 90)


def off(sky: Sky, arcsec: float) -> Sky:
    """Positions about so far away, on the plane of the sky."""
    ra, dec = sky
    east, north = RNG.normal(0, arcsec / 3600, (2, len(ra)))
    moved = unit_vectors(ra, dec)
    local = np.stack([-np.sin(np.radians(ra)), np.cos(np.radians(ra)), 0 * ra], axis=1)
    moved = moved + np.radians(east)[:, None] * local
    moved += np.radians(north)[:, None] * np.cross(unit_vectors(ra, dec), local)
    moved /= np.linalg.norm(moved, axis=1)[:, None]
    found = np.degrees(np.arctan2(moved[:, 1], moved[:, 0])) % 360
    return found, np.degrees(np.arcsin(np.clip(moved[:, 2], -1, 1)))


def ids_of(sky: Sky) -> np.ndarray:
    """As Gaia's: the pixel of the place, then a running number."""
    return (cells(sky, 12) << 35) + 128 * np.arange(1, len(sky[0]) + 1)


def write(folder: Path, rows: pa.Table) -> Path:
    """A HATS catalog, and all its rows in its order as one file beside it."""
    sky = rows["ra"].to_numpy(), rows["dec"].to_numpy()
    deep = cells(sky, FINEST)
    rows = rows.add_column(0, "_healpix_29", pa.array(deep)).take(pa.array(np.argsort(deep)))
    deep = np.sort(deep)
    coarse, fine = (deep >> 2 * (FINEST - order) for order in ORDERS)
    split = coarse % 3 == 0
    named = []
    for order, cell, own in zip(ORDERS, (coarse, fine), (~split, split), strict=True):
        for pixel in np.unique(cell[own]):
            path = folder / f"dataset/Norder={order}/Dir=0/Npix={pixel}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            inside = rows.filter(pa.array(own & (cell == pixel)))
            pq.write_table(inside, path, row_group_size=200)
            named.append(f"{order},{pixel}")
    (folder / "partition_info.csv").write_text("\n".join(["Norder,Npix", *named]) + "\n")
    said = ["# of a test", "obs_collection=sky", "dataproduct_type=object", "hats_col_ra=ra"]
    (folder / "hats.properties").write_text("\n".join(said) + "\n")
    pq.write_table(rows, folder.parent / f"{folder.name}.parquet")
    return folder


def gaia(stars: Sky) -> pa.Table:
    """One in two moves at 1 arcsec/yr, some that are near a star in 2000 alone."""
    ra, dec = off(stars, 1.5)
    angle = RNG.uniform(0, 2 * np.pi, len(ra))
    speed = np.where(RNG.random(len(ra)) < 0.5, FAST, RNG.exponential(5, len(ra)))
    pm = speed * np.sin(angle), speed * np.cos(angle)
    years = GAIA_EPOCH - EPOCH
    dec = np.clip(dec + pm[1] * years / 3.6e6, -90, 90)
    ra = (ra + pm[0] * years / 3.6e6 / np.maximum(np.cos(np.radians(dec)), 1e-6)) % 360
    field = RNG.uniform(0, 360, 9000), np.degrees(np.arcsin(RNG.uniform(-1, 1, 9000)))
    ra, dec = np.append(ra, field[0]), np.append(dec, field[1])
    nothing = np.full(9000, np.nan)
    columns = {
        "source_id": ids_of((ra, dec)),
        "ra": ra,
        "dec": dec,
        "ref_epoch": np.full(len(ra), GAIA_EPOCH),
        "pmra": pa.array(np.append(pm[0], nothing), from_pandas=True),
        "pmdec": pa.array(np.append(pm[1], nothing), from_pandas=True),
        "parallax": np.append(np.ones(len(pm[0])), nothing),
        "phot_g_mean_mag": RNG.uniform(9, 17, len(ra)),
    }
    return pa.table(columns)


def twomass(stars: Sky, gaia_ids: np.ndarray) -> pa.Table:
    ra, dec = off(stars, 1.5)
    names = [f"{i:08d}+0000000" for i in range(len(ra))]
    source = np.where(np.arange(len(ra)) == GIVEN, gaia_ids[GIVEN], 0)
    columns = {"designation": names, "ra": ra, "dec": dec, "j_m": RNG.uniform(8, 15, len(ra))}
    return pa.table(columns | {"source_id": pa.array(source, mask=source == 0)})


@pytest.fixture(scope="module")
def stars() -> Sky:
    return off(hard_places(), 1.0)


@pytest.fixture(scope="module")
def sky(stars: Sky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HATS catalogs gaia_dr3 and twomass of the whole sky, and each as one file."""
    folder = tmp_path_factory.mktemp("sky")
    sources = gaia(stars)
    write(folder / "gaia_dr3", sources)
    write(folder / "twomass", twomass(stars, sources["source_id"].to_numpy()))
    return folder


@pytest.fixture(scope="module")
def little(stars: Sky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """gaia_dr3 of a few stars and what is near them."""
    rows = gaia(tuple(part[: len(part) // 20] for part in stars))
    folder = tmp_path_factory.mktemp("little")
    return write(folder / "gaia_dr3", rows.slice(0, len(stars[0]) // 20))


def near(stars: Sky, ids: np.ndarray | None = None) -> Near:
    ids = np.array([], np.int64) if ids is None else ids
    return Near(unit_vectors(*stars), ids, EPOCH, 10.0)


def pairs(con, stars: Sky, raw: Path, insert: Callable) -> list[tuple]:
    """By the file of the build, with the name of the source."""
    names = [f"{i:06d}" for i in range(len(stars[0]))]
    rows = {"specid": names, "ra": stars[0], "dec": stars[1]}
    insert(con, "raw.headers", pa.table(rows).to_pylist())
    visits = {"specid": names, "star_id": names, "uniqflag": np.ones(len(names), int)}
    insert(con, "sample.visits", pa.table(visits).to_pylist())
    for file in db.sql_files("10_raw"):
        if file.relation in ("raw.gaia_dr3", "raw.twomass"):
            table = pq.read_table(raw / f"{file.relation[4:]}.parquet").replace_schema_metadata()
            con.register(f"input_{file.relation[4:]}", table)
            db.run(con, file)
    (file,) = [f for f in db.sql_files("30_sample") if f.relation == "sample.pairs"]
    db.run(con, file)
    named = "coalesce(t.designation, p.source::VARCHAR)"
    return con.execute(
        f"SELECT p.star_id, p.catalog, {named}, p.separation FROM sample.pairs AS p "
        "LEFT JOIN raw.twomass AS t ON p.catalog = 'twomass' AND p.source = t.rowid ORDER BY ALL"
    ).fetchall()


def copies(template: Path, folder: Path, stars: Sky, insert: Callable, raw: Path) -> list[tuple]:
    path = folder / f"{raw.name}.duckdb"
    path.write_bytes(template.read_bytes())
    with db.connect(path) as con:
        return pairs(con, stars, raw, insert)


def read(sky: Path, raw: Path, stars: Sky) -> Path:
    for name in ("gaia_dr3", "twomass"):
        ingest_near(name, sky / name, raw, near(stars), columns={})
    return raw


def test_pairs_are_those_of_the_whole_table(sky, stars, template, fill, tmp_path):
    for name in ("gaia_dr3", "twomass"):
        ingest(name, sky / f"{name}.parquet", tmp_path / "whole", columns={})
    wanted = copies(template, tmp_path, stars, fill, tmp_path / "whole")
    found = copies(template, tmp_path, stars, fill, read(sky, tmp_path / "near", stars))
    assert len(stars[0]) >= 4000
    assert len({star for star, *_ in wanted}) > 0.9 * len(stars[0])
    assert found == wanted
    kept = pq.read_metadata(tmp_path / "near" / "gaia_dr3.parquet").num_rows
    assert kept < 1.2 * len(stars[0])


def around(sky: Path, stars: list[Sky]) -> list[int]:
    """How many sources of Gaia are within 10 arcsec of each in 2000, of the whole table."""
    rows = pq.read_table(sky / "gaia_dr3.parquet")
    ra, dec, *pm = (rows[name].to_numpy() for name in ("ra", "dec", "pmra", "pmdec"))
    east, north = (np.nan_to_num(x) * (GAIA_EPOCH - EPOCH) / 3.6e6 for x in pm)
    there = unit_vectors(ra - east / np.maximum(np.cos(np.radians(dec)), 1e-6), dec - north)
    far = (np.linalg.norm(there - unit_vectors(*star), axis=1) for star in stars)
    return [int(np.sum(chord < np.radians(10 / 3600))) for chord in far]


def test_margins_reach_over_borders_for_a_star_alone(sky, stars, tmp_path, monkeypatch):
    """And without them rows are lost: there were borders, and fast stars."""
    alone = [(stars[0][i : i + 1], stars[1][i : i + 1]) for i in range(0, len(stars[0]), 270)]

    def kept(name: str) -> list[int]:
        return [
            ingest_near(
                "gaia_dr3", sky / "gaia_dr3", tmp_path / f"{name}{i}", near(star), columns={}
            )["rows"]
            for i, star in enumerate(alone)
        ]

    wanted = kept("a")
    assert wanted == around(sky, alone)
    monkeypatch.setattr(tables, "ROUND", 1.0)
    monkeypatch.setattr(tables, "ID_REACH", -9.9)
    monkeypatch.setattr(tables, "FASTEST", 0.0)
    assert sum(kept("b")) < sum(wanted)


def test_a_source_that_a_list_names_is_found_wherever_it_is(sky, stars, tmp_path):
    """And its best neighbour in 2MASS."""
    sources = pq.read_table(sky / "gaia_dr3.parquet", columns=["source_id"])["source_id"]
    given = pq.read_table(sky / "twomass.parquet")["source_id"].drop_null().to_numpy()
    assert np.isin(given, sources.to_numpy()).all()
    far = near((np.array([123.0]), np.array([-45.6])), given)
    for name in ("gaia_dr3", "twomass"):
        ingest_near(name, sky / name, tmp_path, far, columns={})
        assert pq.read_table(tmp_path / f"{name}.parquet")["source_id"].to_pylist() == [*given]


def test_what_is_unchanged_is_not_read_again(sky, stars, tmp_path):
    few = near((stars[0][:9], stars[1][:9]))
    first = ingest_near("gaia_dr3", sky / "gaia_dr3", tmp_path, few, columns={})
    again = ingest_near("gaia_dr3", sky / "gaia_dr3", tmp_path, few, columns={})
    other = ingest_near("gaia_dr3", sky / "gaia_dr3", tmp_path, near(stars), columns={})
    assert again == first | {"unchanged": 1}
    assert not other["unchanged"]
    assert other["rows"] > first["rows"]


def put(text: str, name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


def in_parts(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: [change(path) for path in folder.rglob("Npix=*")]


def changed(path: Path, **columns: Callable) -> None:
    table = pq.read_table(path, partitioning=None)
    for name, new in columns.items():
        i = table.column_names.index(name)
        table = table.set_column(i, name, pa.array(new(table[name].to_numpy())))
    pq.write_table(table, path)


FAULTS = {
    "no HATS catalog of sources (without hats.properties)": lambda f: (
        f / "hats.properties"
    ).unlink(),
    "no HATS catalog of sources (margin)": put("dataproduct_type=margin\n", "hats.properties"),
    "partition_info.csv: cannot be read": lambda f: (f / "partition_info.csv").unlink(),
    "partition_info.csv: damaged": put("Norder,Npix\n2,x\n", "partition_info.csv"),
    "partition_info.csv: damaged, not": put("Norder,Npix\n2,192\n", "partition_info.csv"),
    "without partitions": put("Norder,Npix\n", "partition_info.csv"),
    "No such file": in_parts(Path.unlink),
    "damaged Parquet": in_parts(lambda path: path.write_bytes(path.read_bytes()[:-40])),
    "not in its pixel": in_parts(lambda p: changed(p, ra=np.radians, dec=np.radians)),
    "this is Gaia DR2": in_parts(lambda p: changed(p, ref_epoch=lambda x: x - 0.5)),
    "its partitions differ": lambda f: changed(
        sorted(f.rglob("Npix=*"))[0], phot_g_mean_mag=lambda x: x.astype(np.float32)
    ),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_folder_that_is_damaged_or_none_is_refused_in_a_line(little, stars, tmp_path, said):
    shutil.copytree(little, tmp_path / "gaia_dr3")
    FAULTS[said](tmp_path / "gaia_dr3")
    with pytest.raises(IngestError, match=re.escape(said)) as error:
        ingest_near("gaia_dr3", tmp_path / "gaia_dr3", tmp_path / "raw", near(stars), columns={})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "raw" / "gaia_dr3.parquet").exists()


def test_a_collection_has_its_catalog_below_it_and_nothing_else(little, stars, tmp_path):
    for name, fails in (("gaia_dr3", False), ("../gaia_dr3", True)):
        folder = tmp_path / str(fails)
        shutil.copytree(little, folder / "gaia_dr3")
        put(f"hats_primary_table_url={name}\n", "collection.properties")(folder)
        few = near((stars[0][:9], stars[1][:9]))
        if fails:
            with pytest.raises(IngestError, match="no HATS catalog of sources"):
                ingest_near("gaia_dr3", folder, tmp_path / "raw", few, columns={})
        else:
            assert ingest_near("gaia_dr3", folder, tmp_path / "raw", few, columns={})["rows"] >= 9


def test_partitions_may_be_folders_of_files(little, stars, tmp_path):
    folder = tmp_path / "gaia_dr3"
    shutil.copytree(little, folder)
    for path in list(folder.rglob("Npix=*")):
        table = path.rename(path.with_suffix(".whole"))
        path.with_suffix("").mkdir()
        table.rename(path.with_suffix("") / "part0.parquet")
    with (folder / "hats.properties").open("a") as file:
        file.write("hats_npix_suffix=/\n")
    found = ingest_near("gaia_dr3", folder, tmp_path / "raw", near(stars), columns={})
    wanted = ingest_near("gaia_dr3", little, tmp_path / "other", near(stars), columns={})
    assert found == wanted


def test_a_survey_names_a_folder(tmp_path):
    """A source that the list gives to a star far from it; a build asks for no more than was read."""
    for fiber, ra in ((1, 0.0), (2, 10.0)):
        Fake(fiberid=fiber, cards={"RA": ra, "DEC": 20.0}).write(tmp_path / "spectra")
    sky = np.array([1e-4, 10.0, 200.0, 100.0]), np.array([20.0, 20.002, -50.0, 60.0])
    rows = {"ra": sky[0], "dec": sky[1], "source_id": ids_of(sky), "ref_epoch": np.full(4, 2015.5)}
    write(tmp_path / "gaia", pa.table(rows))
    given = rows["source_id"][2]
    (tmp_path / "list.csv").write_text(f"specid,source_id\n{Fake(fiberid=2).specid},{given}\n")
    text = 'name = "s"\n[tables.targets]\npath = "list.csv"\n[tables.gaia_dr2]\nhats = "gaia"\n'
    (tmp_path / "s.toml").write_text(text)
    survey = load(tmp_path / "s.toml", ["match_radius"])
    lines = ingest_survey(survey, tmp_path / "b" / "raw", workers=1)
    assert any("gaia_dr2: 3 rows of gaia, 3 kept, 2 belong to a spectrum" in line for line in lines)
    assert "  partitions: 2 of 3 read, for rows near spectra" in lines
    read = pq.read_table(tmp_path / "b" / "raw" / "gaia_dr2.parquet")["source_id"].to_pylist()
    assert sorted(read) == sorted(rows["source_id"][:3].tolist())
    read_inputs(survey, tmp_path / "b")
    (tmp_path / "s.toml").write_text(f"{text}[parameters]\nmatch_radius = 30\n")
    wider = load(tmp_path / "s.toml", ["match_radius"])
    with pytest.raises(BuildFailed, match=r"within 10 arcsec .* match_radius is 30"):
        read_inputs(wider, tmp_path / "b")
    ingest_survey(wider, tmp_path / "b" / "raw", workers=1)
    read_inputs(wider, tmp_path / "b")
