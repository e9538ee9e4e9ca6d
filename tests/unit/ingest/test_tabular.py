"""Every format gives the same table back: 64-bit ids exact, nulls null, units kept."""

import gzip
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obcat.ingest.errors import IngestError
from obcat.ingest.sources import SOURCES
from obcat.ingest.tables import ingest, ingest_all
from obcat.ingest.tables.read import read_table
from obcat.schema import arrow_schema

GAIA_ID = 3702547021547354752  # beyond 2**53: as a float it ends in other digits
FORMATS = {
    "t.fits": {"format": "fits"},
    "t.vot": {"format": "votable", "tabledata_format": "tabledata"},
    "t.xml": {"format": "votable", "tabledata_format": "binary2"},
    "t.csv": {"format": "ascii.csv"},
    "t.tsv": {"format": "ascii.tab"},
    "t.ecsv": {"format": "ascii.ecsv"},
    "comma.ecsv": {"format": "ascii.ecsv", "delimiter": ","},
    "t.parquet": {"format": "parquet"},
    "vo.parquet": {"format": "parquet.votable", "metadata": {}},
}
WITH_UNITS = [n for n in FORMATS if not n.endswith(("csv", "tsv"))] + ["t.ecsv", "comma.ecsv"]


def write(path: Path, table: Table, **how) -> Path:
    if "metadata" in how:
        how["metadata"] = {c: {"unit": str(table[c].unit or "")} for c in table.colnames}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write(path, overwrite=True, **how)
    return path


def gaia_table(ids, **columns) -> Table:
    n = len(ids)
    table = Table(
        {"source_id": ids, "ra": np.linspace(1, 300, n), "dec": np.linspace(-80, 80, n), **columns}
    )
    table["ra"].unit = table["dec"].unit = "deg"
    return table


def ingested(name: str, path: Path, out: Path, **columns: str) -> pa.Table:
    ingest(name, path, out, columns=columns)
    return pq.read_table(out / f"{name}.parquet")


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ids=st.lists(st.integers(2**62, 2**63 - 1), min_size=1, max_size=6, unique=True))
def test_ids_survive_every_format(name, ids, tmp_path):
    path = write(tmp_path / name, gaia_table(np.array(ids, np.int64)), **FORMATS[name])
    (tmp_path / "raw" / "gaia_dr2.parquet").unlink(missing_ok=True)
    assert ingested("gaia_dr2", path, tmp_path / "raw")["source_id"].to_pylist() == ids


@pytest.mark.parametrize("name", FORMATS)
def test_null_ids_stay_null_and_do_not_round_the_others(name, tmp_path):
    ids = MaskedColumn(np.array([GAIA_ID, GAIA_ID + 1, 5], np.int64), mask=[False, False, True])
    table = Table({"source_id": ids, "obsid": [1, 2, 3], "ra": [1.0, 2, 3], "dec": [1.0, 2, 3]})
    path = write(tmp_path / name, table, **FORMATS[name])
    assert ingested("targets", path, tmp_path / "raw")["source_id"].to_pylist() == [
        GAIA_ID,
        GAIA_ID + 1,
        None,
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_null_magnitudes_come_as_null_or_nan(name, tmp_path):
    mag = MaskedColumn([12.5, 99.0, 13.5], mask=[False, True, False])
    path = write(tmp_path / name, gaia_table([1, 2, 3], phot_g_mean_mag=mag), **FORMATS[name])
    values = ingested("gaia_dr2", path, tmp_path / "raw")["phot_g_mean_mag"].to_pylist()
    assert values[::2] == [12.5, 13.5]
    assert values[1] is None or np.isnan(values[1])


@pytest.mark.parametrize("name", WITH_UNITS)
def test_declared_units_are_converted(name, tmp_path):
    table = gaia_table([1, 2], parallax=[0.001, 0.002], pmra=[1e-3, 2e-3])
    table["ra"] = np.radians(table["ra"])
    table["ra"].unit, table["parallax"].unit, table["pmra"].unit = "rad", "arcsec", "arcsec/yr"
    got = ingested("gaia_dr2", write(tmp_path / name, table, **FORMATS[name]), tmp_path / "raw")
    assert got["parallax"].to_pylist() == pytest.approx([1.0, 2.0])
    assert got["pmra"].to_pylist() == pytest.approx([1.0, 2.0])
    assert got["ra"].to_pylist() == pytest.approx([1.0, 300.0])


def test_gzip_of_csv_votable_and_fits(tmp_path):
    table = gaia_table([GAIA_ID])
    for name in ("t.csv", "t.vot", "t.fits"):
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(
            gzip.compress(write(tmp_path / name, table, **FORMATS[name]).read_bytes())
        )
        assert ingested("gaia_dr2", packed, tmp_path / "raw")["source_id"].to_pylist() == [GAIA_ID]


def test_the_content_says_which_format_it_is(tmp_path):
    path = write(tmp_path / "t.fits", gaia_table([GAIA_ID]), format="fits").rename(
        tmp_path / "t.csv"
    )
    assert read_table(path).table["source_id"].to_pylist() == [GAIA_ID]


def test_unsigned_and_small_integers_of_fits_keep_their_nulls(tmp_path):
    columns = [
        fits.Column("u", "K", bzero=2**63, array=np.array([2**63 - 1, 7], np.uint64)),
        fits.Column("n", "I", null=-9, array=np.array([-9, 4], np.int16)),
        fits.Column("vector", "3E", array=np.zeros((2, 3))),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    assert read_table(tmp_path / "t.fits").table.to_pydict() == {
        "u": [2**63 - 1, 7],
        "n": [None, 4],
    }


def test_vizier_tsv_with_its_unit_line(tmp_path):
    text = "#Name: II/336/apass9\n\nRAJ2000\tDEJ2000\tg'mag\te_g'mag\ndeg\tdeg\tmmag\tmag\n-----\t----\t---\t---\n"
    (tmp_path / "a.tsv").write_text(
        text + "010.0\t-05.5\t15500\t0.02\n011.0\t-05.5\t      \t     \n\n"
    )
    got = ingested("apass", tmp_path / "a.tsv", tmp_path / "raw")
    assert got.select(["ra", "dec", "g", "g_err"]).to_pydict() == {
        "ra": [10.0, 11.0],
        "dec": [-5.5, -5.5],
        "g": [15.5, None],
        "g_err": [0.02, None],
    }


@pytest.mark.parametrize("name", SOURCES)
def test_output_has_the_declared_columns_and_no_others(name, tmp_path):
    (tmp_path / "t.csv").write_text(
        "obsid,specid,source_id,designation,ra,dec,teff,g,zp,parallax,parallax_error,ks,ks_err,more\n"
        "1,a,1,00000000+0000000,10,20,15000,15,-0.05,1,0.1,9,0.02,x\n"
    )
    assert ingested(name, tmp_path / "t.csv", tmp_path / "raw").schema.equals(
        arrow_schema(f"raw.{name}")
    )


def test_vizier_names_of_gaia_and_magnitude_errors(tmp_path):
    header = "RA_ICRS,DE_ICRS,Source,Plx,e_Plx,pmRA,e_pmRA,pmDE,e_pmDE,Gmag,BPmag,e_BPmag,RPmag,e_RPmag,RUWE"
    (tmp_path / "g.csv").write_text(
        f"{header}\n10,20,{GAIA_ID},0.5,0.04,1,.1,-2,.1,12.1,12.2,0.01,12.0,0,1.02\n"
    )
    row = ingested("gaia_dr2", tmp_path / "g.csv", tmp_path / "raw").to_pylist()[0]
    assert row["phot_bp_mean_flux_over_error"] == pytest.approx(
        108.5736, rel=1e-6
    )  # 2.5 / ln 10 / 0.01
    assert row["phot_rp_mean_flux_over_error"] is None
    assert (row["source_id"], row["pmdec"], row["phot_g_mean_mag"], row["ruwe"]) == (
        GAIA_ID,
        -2,
        12.1,
        1.02,
    )
    assert row["ref_epoch"] == 2015.5


def test_flux_and_its_error_come_before_the_magnitude_error(tmp_path):
    (tmp_path / "g.csv").write_text("source_id,ra,dec,FBP,e_FBP,e_BPmag\n1,10,20,500,4,0.5\n")
    row = ingested("gaia_dr2", tmp_path / "g.csv", tmp_path / "raw").to_pylist()[0]
    assert row["phot_bp_mean_flux_over_error"] == 125


@pytest.mark.parametrize(
    "header",
    [
        "designation,ra,dec,j_m,j_msigcom,ks_m,ph_qual",
        "2MASS,RAJ2000,DEJ2000,Jmag,e_Jmag,Kmag,Qflg",
        "designation,ra,dec,j_m,j_msigcom,k_m,ph_qual",
    ],
)
def test_names_of_the_2mass_archives(header, tmp_path):
    (tmp_path / "t.csv").write_text(f"{header}\n12345678+1234567,188.7,12.5,10.1,0.02,9.9,AAU\n")
    row = ingested("twomass", tmp_path / "t.csv", tmp_path / "raw").to_pylist()[0]
    assert (row["designation"], row["j_m"], row["j_msigcom"], row["ks_m"]) == (
        "12345678+1234567",
        10.1,
        0.02,
        9.9,
    )
    assert (row["ph_qual"], row["h_m"]) == ("AAU", None)


@pytest.mark.parametrize("g", ["g'mag", "g_mag", "gpmag"])
def test_primes_of_apass(g, tmp_path):
    (tmp_path / "a.csv").write_text(
        f"RAJ2000,DEJ2000,Vmag,Bmag,{g},e_{g}\n10,20,12.1,12.2,12.3,0.03\n"
    )
    row = ingested("apass", tmp_path / "a.csv", tmp_path / "raw").to_pylist()[0]
    assert (row["v"], row["b"], row["g"], row["g_err"], row["r"]) == (12.1, 12.2, 12.3, 0.03, None)


def test_one_joined_table_serves_gaia_and_2mass(tmp_path):
    (tmp_path / "j.csv").write_text(
        "star_id,source_id,ra,dec,parallax,designation,j_m,ks_m,ph_qual\n"
        "A,11,10,20,0.5,00400000+2000000,10.1,9.9,AAA\n"
        "B,11,10,20,0.5,00400000+2000000,10.1,9.9,AAA\n"  # one source near two stars of the list
        "A,12,10.001,20,0.1,00400000+2000000,10.1,9.9,AAA\n"  # two sources share one 2MASS source
        "C,13,11,21,0.2,,,,\n"
    )
    gaia = ingest("gaia_dr2", tmp_path / "j.csv", tmp_path / "raw", columns={})
    tmass = ingest("twomass", tmp_path / "j.csv", tmp_path / "raw", columns={})
    assert (gaia["rows"], gaia["merged"], gaia["passed_over"]) == (3, 1, 0)
    assert (tmass["rows"], tmass["merged"], tmass["passed_over"], tmass["rejected"]) == (2, 1, 1, 0)
    got = pq.read_table(tmp_path / "raw" / "twomass.parquet")
    assert got.select(["designation", "source_id", "ra"]).to_pydict() == {
        "designation": ["00400000+2000000"] * 2,
        "source_id": [11, 12],
        "ra": [10.0, 10.001],
    }


def test_columns_of_the_survey_win_over_known_names(tmp_path):
    (tmp_path / "g.csv").write_text(
        "source_id,ra,dec,my_ra,plx,parallax,pmra\n1,10,20,2,0.7,0.5,3\n"
    )
    got = ingested(
        "gaia_dr2",
        tmp_path / "g.csv",
        tmp_path / "raw",
        ra="my_ra [hourangle]",
        parallax="PLX",
        pmra="",
    )
    row = got.to_pylist()[0]
    assert (row["ra"], row["parallax"], row["pmra"]) == (pytest.approx(30), 0.7, None)


def test_labels_are_called_after_their_file(tmp_path):
    (tmp_path / "hotpayne.v2.csv").write_text("obsid,Teff,logg,[Fe/H]\n1,20000,4,-0.1\n")
    row = ingested("labels", tmp_path / "hotpayne.v2.csv", tmp_path / "raw").to_pylist()[0]
    assert (row["label_source"], row["teff"], row["feh"]) == ("hotpayne", 20000, -0.1)


def test_unchanged_input_is_not_read_again(tmp_path):
    path, out = tmp_path / "g.csv", tmp_path / "raw"
    path.write_text("source_id,ra,dec,plx\n1,10,20,0.5\n")
    first = ingest("gaia_dr2", path, out, columns={})
    before = (out / "gaia_dr2.parquet").stat().st_mtime_ns
    path.touch()
    second = ingest("gaia_dr2", path, out, columns={})
    assert second == first | {"unchanged": 1}
    assert (out / "gaia_dr2.parquet").stat().st_mtime_ns == before
    assert ingest("gaia_dr2", path, out, columns={"parallax": "plx"})["unchanged"] == 0
    path.write_text("source_id,ra,dec,plx\n2,10,20,0.5\n")
    assert ingest("gaia_dr2", path, out, columns={"parallax": "plx"})["unchanged"] == 0
    assert pq.read_table(out / "gaia_dr2.parquet")["source_id"].to_pylist() == [2]


def test_inputs_a_survey_does_not_have_become_empty_tables(tmp_path):
    path, out = tmp_path / "g.csv", tmp_path / "raw"
    path.write_text("source_id,ra,dec\n1,10,20\n2,400,20\n")
    assert list(ingest_all({"gaia_dr2": (path, {})}, out)) == ["gaia_dr2"]
    assert {n: pq.read_table(out / f"{n}.parquet").num_rows for n in SOURCES} == dict.fromkeys(
        SOURCES, 0
    ) | {"gaia_dr2": 1}
    assert pq.read_table(out / "rejected_rows.parquet").num_rows == 1
    assert ingest_all({}, out) == {}
    assert pq.read_table(out / "gaia_dr2.parquet").num_rows == 0
    assert pq.read_table(out / "rejected_rows.parquet").num_rows == 0
    assert not list(out.rglob("*.partial"))


def test_the_same_input_gives_the_same_bytes(tmp_path):
    (tmp_path / "g.csv").write_text(
        "source_id,ra,dec\n" + "".join(f"{i},10,20\n" for i in range(2**61, 2**61 + 500))
    )
    for out in ("a", "b"):
        ingest("gaia_dr2", tmp_path / "g.csv", tmp_path / out, columns={})
    assert (tmp_path / "a" / "gaia_dr2.parquet").read_bytes() == (
        tmp_path / "b" / "gaia_dr2.parquet"
    ).read_bytes()


def test_a_name_with_a_pattern_in_it_is_only_a_name(tmp_path):
    pq.write_table(pa.table({"source_id": [1], "ra": [1.0], "dec": [1.0]}), tmp_path / "a1.parquet")
    pq.write_table(
        pa.table({"source_id": [2], "ra": [1.0], "dec": [1.0]}), tmp_path / "a[1].parquet"
    )
    assert read_table(tmp_path / "a[1].parquet").table["source_id"].to_pylist() == [2]


@pytest.mark.real
def test_real_labels_and_photometry(real, tmp_path):
    folder = next(p for p in (real, *real.parents) if (p / "ob_photometry_979.csv").is_file())
    assert (
        ingest("labels", folder / "labels" / "lasp_dr10.csv", tmp_path, columns={})["rows"] == 3000
    )
    assert ingest("apass", folder / "ob_photometry_979.csv", tmp_path, columns={})["rows"] == 1072
    with pytest.raises(IngestError, match=r"obsid.*'938509188.0' is not an integer id"):
        ingest("targets", folder / "manifest.csv", tmp_path, columns={})
