"""Every check of sql/95_check: quiet on a sound catalog,
and seen to find the fault it is there for.
"""

import math
import shutil
from pathlib import Path

import pytest

from obcat import db
from obcat.build.run import check
from obcat.schema import columns_of

KEYS = ("specid", "star_id", "uniqflag", "snr_g")
VISITS = [("s1", "A", 1, 50.0), ("s2", "A", 2, 40.0), ("s3", "B", 1, 30.0)]
SHAS = {"s1": "h1", "s2": "h2", "s3": "h3"}
BITS = (1, 8, 64, 128, 256, 512, 2048, 8192, 65536)

# check -> statements, each of which breaks its promise
FAULTS = {
    "10_rows": [
        "DELETE FROM catalog.ob_stars WHERE specid = 's2'",
        "INSERT INTO catalog.ob_stars BY NAME SELECT * REPLACE ('s9' AS specid) FROM "
        "catalog.ob_stars LIMIT 1",
        "UPDATE sample.visits SET star_id = 'other' WHERE specid = 's2'",
    ],
    "11_rows_best": [
        "INSERT INTO catalog.ob_stars_best BY NAME SELECT specid, star_id, fitsname, ra, dec, "
        "uniqflag, quality, simulated FROM catalog.ob_stars LIMIT 1",
    ],
    "12_joins": [
        "INSERT INTO sample.stars SELECT * FROM sample.stars LIMIT 1",
        "DELETE FROM sample.stars WHERE star_id = 'B'",
        "INSERT INTO sample.stars SELECT * REPLACE ('C' AS star_id) FROM sample.stars LIMIT 1",
    ],
    "14_files": [
        "DELETE FROM raw.files WHERE specid = 's1' AND status = 'ingested'",
        "UPDATE raw.files SET reason = NULL WHERE status = 'quarantined'",
        "UPDATE raw.files SET reason = 'not_fits' WHERE specid = 's1'",
        "UPDATE raw.files SET status = 'lost' WHERE specid = 's1'",
        "UPDATE raw.files SET specid = 's2' WHERE specid = 's1'",
        "UPDATE raw.files SET sha256 = 'none' WHERE specid = 's1'",
        "UPDATE raw.files SET sha256 = 'h1' WHERE status = 'quarantined'",
        "UPDATE raw.files SET status = 'ingested' WHERE status = 'duplicate'",
    ],
    "16_spectra": [
        "DELETE FROM raw.spectra WHERE specid = 's1'",
        "DELETE FROM raw.headers WHERE specid = 's1'",
    ],
    "18_training": [
        "UPDATE training.stars SET star_id = 'A'",
        "INSERT INTO sample.visits BY NAME SELECT 's9' AS specid, 'T' AS star_id, 1 AS uniqflag",
        "UPDATE catalog.ob_stars SET star_id = 'T' WHERE specid = 's1'",
        "DELETE FROM raw.training_spectra",
        "DELETE FROM raw.training_headers",
        "UPDATE raw.training_files SET specid = 'other' WHERE status = 'ingested'",
        "UPDATE raw.training_files SET reason = NULL",
    ],
    "20_not_finite": [
        "UPDATE catalog.ob_stars SET mk = 'nan' WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET z = '-inf' WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET ks = -9999 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET h = 99.999 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET label_source = '' WHERE specid = 's1'",
    ],
    "22_table_1": [
        "ALTER TABLE catalog.ob_stars RENAME COLUMN mk TO m_k",
        "CREATE OR REPLACE TABLE catalog.ob_stars AS SELECT fitsname, * EXCLUDE fitsname FROM "
        "catalog.ob_stars",
        "ALTER TABLE catalog.ob_stars DROP COLUMN ruwe",
    ],
    "24_uniqflag": [
        "UPDATE catalog.ob_stars SET uniqflag = 3 WHERE specid = 's2'",
        "UPDATE catalog.ob_stars SET uniqflag = 1",
        "UPDATE catalog.ob_stars SET uniqflag = 3 - uniqflag WHERE star_id = 'A'",
    ],
    "26_stars": [
        "UPDATE catalog.ob_stars SET gaia_id = 7, gaia_name = 'Gaia DR2 7' WHERE specid = 's2'",
        "UPDATE catalog.ob_stars SET ebv = NULL WHERE specid = 's2'",
        "UPDATE catalog.ob_stars SET gaia_id = 4611686018427387905",
    ],
    "28_gaia_name": [
        "UPDATE catalog.ob_stars SET gaia_name = 'Gaia DR2 4611686018427387904' WHERE "
        "specid = 's1'",
        "UPDATE catalog.ob_stars SET gaia_name = NULL WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET gaia_id = 0, gaia_name = 'Gaia DR2 0' WHERE specid = 's1'",
    ],
    "30_errors": [
        f"UPDATE catalog.ob_stars SET {column} = NULL WHERE specid = 's1'"
        for value in (
            "mk",
            "mk_geo",
            "ebv",
            "a_ks",
            "parallax",
            "parallax_spec",
            "j",
            "h",
            "ks",
            "halpha_excess",
        )
        for column in (value, "parallax_error" if value == "parallax" else f"{value}_err")
    ],
    "32_mk_geo": [
        "UPDATE catalog.ob_stars SET parallax_corrected = -1 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET mk_geo = NULL, mk_geo_err = NULL WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET a_ks = NULL WHERE specid = 's1'",
    ],
    "33_parallax_corrected": [
        "UPDATE catalog.ob_stars SET parallax = 2 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET parallax_corrected = NULL WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET parallax_corrected = parallax WHERE specid = 's1'",
    ],
    "34_binary_flag": [
        "UPDATE catalog.ob_stars SET binary_flag = NULL WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET binary_flag = 0 WHERE specid = 's3'",
        "UPDATE catalog.ob_stars SET ks = NULL WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET snr_dparallax = 2.1 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET parallax_offset = NULL, parallax_corrected = NULL WHERE "
        "specid = 's1'",
    ],
    "40_distance_null": [
        f"UPDATE catalog.ob_stars SET {column} = NULL WHERE specid = 's1'"
        for column in ["dis", "dis_low", "dis_high", "logdis", "logdis_err", "x", "y", "z"]
    ],
    "42_distance_order": [
        "UPDATE catalog.ob_stars SET dis_low = 1.2 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET dis = 0 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET dis_low = -0.1 WHERE specid = 's1'",
    ],
    "44_distance_mode": [
        "UPDATE catalog.ob_stars SET dis = 0.8 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET dis = 100, dis_low = 40, dis_high = 90, quality = 131072 "
        "WHERE specid = 's1'",
    ],
    "46_position": [
        "UPDATE catalog.ob_stars SET x = x + 0.001 WHERE specid = 's1'",
        "UPDATE catalog.ob_stars SET dis = 1.01 WHERE specid = 's1'",
    ],
    "48_distance_reason": [
        f"UPDATE catalog.ob_stars SET dis = NULL, quality = {bits} WHERE specid = 's1'"
        for bits in (0, 8, 64, 128)
    ],
    "50_quality": [
        *(
            f"UPDATE catalog.ob_stars SET quality = xor(quality, {bit})"
            for bit in (
                1,
                8,
                64,
                128,
                256,
                512,
                2048,
                8192,
                32768,
                65536,
                262144,
                2**25,
                2**26,
                2**28,
            )
        ),
        "UPDATE catalog.ob_stars SET quality = 1073741824",
    ],
    "52_reasons": [
        *(
            f"UPDATE catalog.ob_stars SET {column} = NULL, quality = {bits} WHERE specid = 's1'"
            for column, bits in (
                ("mk", 8192 + 64),
                ("mk_geo", 2 + 8192),
                ("dis", 128),
                ("ebv", 64 + 128),
                ("binary_flag", 2**26),
                ("em_flag", 8192),
            )
        )
    ],
    "60_simulated": ["UPDATE catalog.ob_stars SET simulated = 0 WHERE specid = 's3'"],
    "70_empty": ["UPDATE catalog.ob_stars SET ruwe = NULL"],
    "72_formulas": ["UPDATE catalog.ob_stars SET label_source = '=cmd|x' WHERE specid = 's1'"],
    "74_rejected_rows": ["INSERT INTO raw.rejected_rows VALUES ('twomass', 3, 'bad_ra', NULL)"],
}
TABLES = (
    "catalog.ob_stars",
    "sample.visits",
    "sample.stars",
    "raw.files",
    "raw.headers",
    "raw.spectra",
    "training.stars",
    "raw.training_headers",
    "raw.training_spectra",
    "raw.training_files",
)


@pytest.fixture(scope="module")
def catalog(template, tmp_path_factory, fill):
    """Three visits of two stars, a file twice, one in quarantine;
    no constraint is left that would refuse a fault.
    """
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("sound") / "obcat.duckdb"))
    with db.connect(path) as con:
        fill(con, "sample.visits", [dict(zip(KEYS, visit, strict=True)) for visit in VISITS])
        fill(
            con,
            "sample.stars",
            [{"star_id": s, "specid": v} for s, v in (("A", "s1"), ("B", "s3"))],
        )
        fill(con, "meta.survey", [{"name": "demo", "simulated": 1}])
        fill(
            con,
            "raw.headers",
            [{"specid": s, "fitsname": f"{s}.fits", "sha256": h} for s, h in SHAS.items()],
        )
        fill(con, "raw.spectra", [{"specid": s} for s in SHAS])
        files = [
            {"path": s, "sha256": h, "specid": s, "status": "ingested"} for s, h in SHAS.items()
        ]
        files.append({"path": "again/s2", "sha256": "h2", "specid": "s2", "status": "duplicate"})
        files.append({"path": "bad", "sha256": "h4", "status": "quarantined", "reason": "not_fits"})
        fill(con, "raw.files", files)
        fill(con, "training.stars", [{"star_id": "T", "specid": "t1"}])
        fill(con, "raw.training_headers", [{"specid": "t1", "fitsname": "t1.fits"}])
        fill(con, "raw.training_spectra", [{"specid": "t1"}])
        files = [
            {"path": "t1", "specid": "t1", "status": "ingested"},
            {"path": "t2", "status": "quarantined", "reason": "not_fits"},
        ]
        fill(con, "raw.training_files", files)
        fill(con, "catalog.ob_stars", [catalog_row(*visit) for visit in VISITS])
        for table in TABLES:
            con.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {table}")
        yield con


@pytest.fixture
def sound(catalog):
    catalog.execute("BEGIN")
    yield catalog
    catalog.execute("ROLLBACK")


def catalog_row(specid, star_id, uniqflag, snr_g):
    """A row that keeps every promise; B is a binary whose labels were regressed."""
    gaia_id = {"A": 4611686018427387905, "B": 6}[star_id]
    binary = star_id == "B"
    ones = [c.column for c in columns_of("catalog.ob_stars") if c.type != "VARCHAR"]
    return dict.fromkeys(ones, 1) | {
        "specid": specid, "fitsname": f"{specid}.fits", "star_id": star_id, "uniqflag": uniqflag,
        "snr_g": snr_g, "ra": 10.0, "dec": 20.0, "gaia_id": gaia_id,
        "gaia_name": f"Gaia DR2 {gaia_id}", "parallax_offset": -0.0523,
        "parallax_corrected": 1.0 - -0.0523, "snr_dparallax": 3.0 if binary else 0.5,
        "binary_flag": int(binary), "erroneous": 0,
        "label_source": "regression" if binary else "HotPayne", "gri_source": "xstps",
        "zero_point": "constant",
        "quality": 512 + 32768 if binary else 0, "dis": 1.0, "dis_low": 0.9, "dis_high": 1.1,
        "logdis": 0.0, "logdis_err": 0.04, "simulated": 1, "x": -8.122 + math.sqrt(0.5), "y": 0.5,
        "z": 0.0208 - 0.5, }  # fmt: skip


def faulty(con, name: str) -> bool:
    (file,) = [f for f in db.sql_files(db.CHECKS) if f.path.stem == name]
    return bool(con.execute(file.text).fetchall())


def test_every_check_has_a_planted_fault():
    assert set(FAULTS) == {file.path.stem for file in db.sql_files(db.CHECKS)}


def test_a_sound_catalog_passes_every_check(sound):
    said: list[str] = []
    assert check(sound, said.append) == []
    assert said == []


@pytest.mark.parametrize(
    ("name", "fault"), [(n, f) for n, faults in FAULTS.items() for f in faults]
)
def test_a_planted_fault_is_found(sound, name, fault):
    assert not faulty(sound, name)
    sound.execute(fault)
    assert faulty(sound, name)


def test_a_check_that_fails_is_named_and_one_that_warns_is_not(sound):
    sound.execute("UPDATE catalog.ob_stars SET simulated = 0")
    sound.execute("UPDATE catalog.ob_stars SET ruwe = NULL")
    said: list[str] = []
    assert check(sound, said.append) == ["60_simulated"]
    assert said == [
        "fail: 60_simulated: 3 rows: s1 (0), s2 (0), s3 (0)",
        "warn: 70_empty: 1 row: ruwe (no table of Gaia)",
    ]


def test_unknown_is_sound_too(sound):
    """A star without Gaia, 2MASS and labels, seen once, breaks no promise."""
    known = {*KEYS, "fitsname", "ra", "dec", "quality", "simulated"} - {"snr_g"}
    unknown = [c.column for c in columns_of("catalog.ob_stars") if c.column not in known]
    sets = ", ".join(f"{name} = NULL" for name in unknown)
    sound.execute(
        f"UPDATE catalog.ob_stars SET quality = 1 + 64 + 128 + 256 + 8192 + 33554432 + 268435456, {sets} WHERE "
        "specid = 's3'"
    )
    assert check(sound, lambda text: None) == []


def test_a_magnitude_of_a_spectrum_without_snr_may_have_no_error(sound):
    """LAMOST writes S/N 0 where it has none;
    if the spectrum gives none either, the row stays, without errors.
    """
    without = (
        "mk_err = NULL, parallax_spec_err = NULL, snr_dparallax = NULL, binary_flag = "
        "NULL, snr_g = NULL"
    )
    sound.execute(f"UPDATE catalog.ob_stars SET {without} WHERE specid = 's1'")
    assert not faulty(sound, "30_errors")
    assert not faulty(sound, "34_binary_flag")
