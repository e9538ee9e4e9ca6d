"""The cookbook: every recipe runs in plain DuckDB,
and answers rightly where the answer can be told beforehand.
"""

import re
from pathlib import Path

import duckdb
import pytest

from obcat.query.sql import answer
from obcat.schema import SQL

COOKBOOK = sorted((SQL / "queries").glob("*.sql"))
PER = {"ra": 34.75, "dec": 57.13}
BITS = {"erroneous": 8, "labels_regressed": 512, "negative_ebv": 4096, "out_of_domain": 16384}


def star(name: str, **values) -> dict:
    return {"specid": f"{name}-1", "star_id": name, "uniqflag": 1, "quality": 0} | values


def visit(name: str, number: int, **values) -> dict:
    return star(name, uniqflag=number, **values) | {"specid": f"{name}-{number}"}


# recipe: rows of the catalog, and what the recipe says of them (rows in order; columns named)
KNOWN = {
    "lb_1": (
        [
            visit("A", 1, ra=92.9545, dec=22.82575),
            visit("A", 2, ra=92.9545, dec=22.82575),
            star("B", ra=92.9, dec=22.8),
        ],
        [{"specid": "A-1"}, {"specid": "A-2"}],
    ),
    "be_fraction": (
        [
            star("A", mk=-1.5, em_flag=1),
            star("B", mk=-1.1, em_flag=0),
            star("C", mk=None, em_flag=1),
        ],
        [{"mk_from": -2, "stars": 2, "fraction": 0.5}],
    ),
    "repeat_visits": (
        [visit("A", i, mk=-float(i)) for i in (1, 2, 3)] + [visit("B", i, mk=0.0) for i in (1, 2)],
        [{"star_id": "A", "visits": 3, "scatter": 1.0}],
    ),
    "over_luminous": (
        [
            star(n, mk=-1.0, mk_geo=g, mk_err=0.1, mk_geo_err=0.1)
            for n, g in (("A", -3.0), ("B", -2.1))
        ],
        [{"star_id": "A", "mk_difference": 2.0}],
    ),
    "nearby_binaries": (
        [
            star("A", binary_flag=1, dis=0.5),
            star("B", binary_flag=0, dis=0.5),
            star("C", binary_flag=1, dis=2.0),
        ],
        [{"star_id": "A"}],
    ),
    "disc_sample": (
        [
            star("A", dis=1.0, dis_low=0.9, dis_high=1.1, z=0.1),
            star("B", dis=1.0, dis_low=0.5, dis_high=1.5, z=0.1),
        ],
        [{"star_id": "A", "relative_error": 0.1}],
    ),
    "first_look": (
        [
            star("A", snr_g=200.0, mk=-1.234, dis=1.23456),
            star("B", snr_g=300.0, quality=8),
            *(star(f"C{i}", snr_g=100.0 - i) for i in range(5)),
        ],
        [{"star_id": "A", "mk": -1.23, "dis": 1.235}, *({"star_id": f"C{i}"} for i in range(4))],
    ),
    "hr_diagram": (
        [
            star("A", teff=1e4, mk=1.0),
            star("B", teff=2e4, mk_geo=1.0),
            star("C", teff=2e4, mk=1.0, quality=8),
            star("D", mk=1.0),
        ],
        [{"star_id": "B"}, {"star_id": "A"}],
    ),
    "runaway_candidates": (
        # 4.74047 km/s * 10 mas/yr * 3 kpc
        [
            star(n, pmra=6.0, pmdec=8.0, dis=3.0, dis_low=2.8, dis_high=3.2, z=z, ruwe=1.0)
            for n, z in (("A", -0.6), ("B", 0.1))
        ],
        [{"star_id": "A", "tangential_velocity": 142.2141}],
    ),
    "cluster_over_luminous": (
        [
            star("A", **PER, binary_flag=1, snr_dparallax=3.0, mk=-1.0, mk_geo=-1.7),
            star("B", **PER, binary_flag=0, snr_dparallax=0.0),
            star("C", ra=34.75, dec=59.0, binary_flag=1, snr_dparallax=4.0),
        ],
        [{"star_id": "A", "mk_difference": 0.7, "separation": 0.0}],
    ),
    "cluster_distance": (
        [
            star(
                name,
                **PER,
                binary_flag=binary,
                parallax=parallax,
                parallax_offset=-0.05,
                parallax_error=error,
                logdis=logdis,
                logdis_err=0.1,
            )
            for name, binary, parallax, error, logdis in (
                ("A", 0, 0.5, 0.1, 0.3),
                ("B", 0, 0.3, 0.2, 0.4),
                ("C", 1, 9.0, 0.01, 0.4),
            )
        ],
        # weights 100 and 25: (0.55 * 100 + 0.35 * 25) / 125
        [
            {
                "stars": 2,
                "mean_parallax": 0.51,
                "mean_parallax_err": 125**-0.5,
                "mean_modulus": 11.75,
            }
        ],
    ),
    "be_fraction_by_teff": (
        [
            star(str(t), teff=float(t), em_flag=e)
            for t, e in ((35000, 0), (25000, 1), (24000, 0), (12000, 1), (8000, 0))
        ],
        [
            {"spectral_type": "1 O", "stars": 1, "fraction": 0.0},
            {"spectral_type": "2 B0-B2", "stars": 2, "fraction": 0.5, "fraction_err": 0.125**0.5},
            {"spectral_type": "4 B7-B9", "stars": 1, "fraction": 1.0},
            {"spectral_type": "5 A and later"},
        ],
    ),
    "emission_changes": (
        [
            visit(
                "A",
                1,
                halpha_excess=1.0,
                halpha_excess_err=0.03,
                em_flag=1,
                erroneous=0,
                halpha_ew=30.0,
            ),
            visit(
                "A",
                2,
                halpha_excess=0.0,
                halpha_excess_err=0.04,
                em_flag=0,
                erroneous=0,
                halpha_ew=0.0,
            ),
            visit("B", 1, halpha_excess=0.1, halpha_excess_err=0.04, em_flag=0, erroneous=0),
            visit("B", 2, halpha_excess=0.0, halpha_excess_err=0.04, em_flag=0, erroneous=0),
        ],
        [{"star_id": "A", "nsigma": 20.0, "with_emission": 1, "least_ew": 0.0}],
    ),
    "velocity_variables": (
        [
            visit("A", 1, rv=50.0, rv_err=3.0),
            visit("A", 2, rv=-50.0, rv_err=4.0),
            visit("A", 3, rv=900.0, rv_err=4.0, quality=8),
            visit("B", 1, rv=0.0, rv_err=3.0),
            visit("B", 2, rv=9.0, rv_err=3.0),
        ],
        [{"star_id": "A", "range": 100.0, "nsigma": 20.0, "visits": 2}],
    ),
    "binary_fraction": (
        [
            star(n, binary_flag=b, parallax=p, parallax_offset=-0.05, parallax_error=0.1)
            for n, b, p in (("A", 1, 0.65), ("B", 0, 0.55), ("C", 0, 99.0), ("D", 1, -3.0))
        ],
        [
            {"parallax_snr_from": 5, "stars": 2, "binaries": 1, "fraction": 0.5},
            {"parallax_snr_from": 50, "stars": 1, "binaries": 0},
        ],
    ),
    "binaries_and_ruwe": (
        [
            star("A", binary_flag=1, ruwe=2.0, snr_dparallax=4.0),
            star("B", binary_flag=0, ruwe=1.0, snr_dparallax=0.0),
        ],
        [
            {"binary_flag": 0, "large_ruwe": 0, "stars": 1},
            {"binary_flag": 1, "large_ruwe": 1, "stars": 1, "median_snr_dparallax": 4.0},
        ],
    ),
    "magnitude_residual": (
        [
            star(str(i), binary_flag=0, mk=-1.5 + d, mk_geo=-1.5, mk_err=0.3, mk_geo_err=0.1)
            for i, d in enumerate((0.1, 0.2, 0.4))
        ],
        [
            {
                "mk_geo_from": -2,
                "stars": 3,
                "median_difference": 0.2,
                "robust_scatter": 0.14826,
                "scatter_expected": 0.1**0.5,
            }
        ],
    ),
    "distance_error": (
        [
            star(
                "A",
                dis=2.5,
                dis_low=2.25,
                dis_high=2.75,
                parallax=0.35,
                parallax_offset=-0.05,
                parallax_error=0.1,
            )
        ],
        [{"kpc_from": 2, "stars": 1, "relative_error": 0.1, "parallax_alone": 0.25}],
    ),
    "distant_stars": (
        [
            star("A", ra=266.41683, dec=-29.00781, dis=5.0, dis_low=4.5, dis_high=5.5),
            star("B", ra=266.41683, dec=-29.00781, dis=9.0, dis_low=4.5, dis_high=15.5),
            star("C", ra=192.85948, dec=27.12825, dis=8.0, dis_low=7.5, dis_high=8.5),
        ],
        [{"star_id": "C", "b": 90.0}, {"star_id": "A", "l": 359.944}],
    ),
    "galactic_map": (
        [
            star("A", x=-8.3, y=0.6, z=0.1, em_flag=1),
            star("B", x=-8.4, y=0.9, z=0.3, em_flag=0),
            star("C", x=0.0, y=0.0, z=2.0),
        ],
        [{"x": -8.25, "y": 0.75, "stars": 2, "median_z": 0.2, "emission_fraction": 0.5}],
    ),
    "scale_height": (
        # |z| is uniform from 0 to 0.2: its median is 0.1
        [star(str(i), x=-8.5, y=0.0, z=(i - 20) / 100) for i in range(41)]
        + [star("far", x=-20.5, y=0.0, z=0.0)],
        [{"radius_from": 8, "stars": 41, "middle": 0.0, "scale_height": 0.1 / 0.6931471805599453}],
    ),
    "reddening_map": (
        [
            star("A", ra=266.41683, dec=-29.00781, ebv=0.6, dis=2.0),
            star("B", ra=266.41683, dec=-29.00781, dis=2.0),
        ],
        [{"l_from": 355, "b_from": -5, "stars": 1, "ebv_per_kpc": 0.3}],
    ),
    "negative_reddening": (
        [
            star("A", ebv=-0.5, ebv_err=0.1, quality=4096),
            star("B", ebv=-0.9, ebv_err=0.1, quality=4096 + 8),
            star("C", ebv=-0.1),
        ],
        [{"star_id": "B"}, {"star_id": "A"}],
    ),
    "subdwarfs": (
        [
            star("A", mk_geo=4.0, mk_geo_err=0.1, teff=3e4),
            star("B", mk_geo=0.0, mk_geo_err=0.1, teff=3e4),
        ],
        [{"star_id": "A"}],
    ),
    "supergiants": (
        [
            star("A", mk=-6.0),
            star("B", mk=-7.0, quality=BITS["erroneous"]),
            star("C", mk=-5.0, quality=BITS["out_of_domain"]),
            star("D", mk=-3.0),
        ],
        [{"star_id": "A"}],
    ),
    "clean_sample": (
        [
            star("A", snr_g=60.0, ruwe=1.0, quality=BITS["labels_regressed"]),
            star("B", snr_g=60.0, ruwe=1.0, quality=BITS["labels_regressed"] + 8),
            star("C", snr_g=60.0, ruwe=2.0),
            star("D", snr_g=60.0, ruwe=1.0),
        ],
        [{"star_id": "A"}, {"star_id": "D"}],
    ),
    "cross_match": (
        # 1 and 2 arcsec north of LB-1
        [
            star("far", ra=92.9545, dec=22.82575 + 2 / 3600),
            star("near", ra=92.9545, dec=22.82575 + 1 / 3600),
        ],
        [
            {"name": "LB-1", "star_id": "near", "arcsec": 1.0},
            {"name": "nothing here", "star_id": None},
        ],
    ),
    "by_gaia_id": (
        [
            star("A", gaia_id=3425577610762832384, gaia_name="Gaia DR2 3425577610762832384"),
            star(
                "B", gaia_id=3425577610762832385, gaia_name="Gaia DR2 3425577610762832385"
            ),  # the same as a double
        ],
        [{"star_id": "A", "gaia_id": 3425577610762832384}],
    ),
    "same_gaia_source": (
        [
            star("A", gaia_id=7, ra=1.0),
            star("B", gaia_id=7, ra=1.5),
            star("C", gaia_id=8),
            visit("C", 2, gaia_id=8),
        ],
        [{"gaia_id": 7, "star_ids": ["A", "B"], "ra_range": 0.5}],
    ),
    "why_no_distance": (
        [star("A"), star("B"), star("C", parallax=1.0, ks=9.0, quality=262144), star("D", dis=1.0)],
        [
            {"no_parallax": True, "no_ks": True, "stars": 2, "example": "A-1"},
            {
                "no_parallax": False,
                "poor_parallax": True,
                "no_ks": False,
                "no_ebv": True,
                "no_mk": True,
                "stars": 1,
            },
        ],
    ),
    "quality_census": (
        [star("A", quality=8), star("B", quality=24)],
        [
            {"bit": 2**i, "rows": {3: 2, 4: 1}.get(i, 0), "only_this": int(i == 3)}
            for i in range(29)
        ],
    ),
}
# the same of best mode's table
BEST = {
    "best_companions": (
        [star("A", p_companion=0.95, mk=-1.0, mk_system=-1.4),
         star("B", p_companion=0.99, fault="sky"), star("C", p_companion=0.5),
         star("D", p_companion=0.97)],
        [{"star_id": "D"}, {"star_id": "A", "mk_system": -1.4}],
    ),
    "best_companion_fraction": (
        [star("A", mk=-1.5, p_companion=0.75, p_other=0.0), star("B", mk=-1.2, p_companion=0.25),
         star("C", mk=-1.2, p_companion=1.0, p_other=0.9), star("D", mk=0.5)],
        [{"mk_from": -2, "stars": 2, "expected": 1.0, "fraction": 0.5,
          "fraction_err": 0.375**0.5 / 2}],
    ),
    "best_r_v_map": (
        # weights 100 and 25: (2.5 * 100 + 3.5 * 25) / 125
        [star("A", ra=266.41683, dec=-29.00781, ebv=0.6, r_v=2.5, r_v_err=0.1),
         star("B", ra=266.41683, dec=-29.00781, ebv=0.8, r_v=3.5, r_v_err=0.2),
         star("C", ra=266.41683, dec=-29.00781, ebv=0.2, r_v=9.0, r_v_err=0.1),
         star("D", ra=10.0, dec=20.0, ebv=0.8, r_v=9.0, r_v_err=0.1)],
        [{"l_from": 355, "stars": 2, "mean_r_v": 2.7, "mean_r_v_err": 125**-0.5,
          "median_ebv": 0.7}],
    ),
    "best_surely_luminous": (
        [star("A", mk=-5.0, mk_high95=-4.1, p_other=0.0),
         star("B", mk=-5.0, mk_high95=-3.9, p_other=0.0),
         star("C", mk=-6.0, mk_high95=-5.0, p_other=0.9),
         star("D", mk=-6.0, mk_high95=-5.0, p_other=0.0, fault="sky")],
        [{"star_id": "A"}],
    ),
    "best_surely_near": (
        [star(n, dis_low95=low, dis_median=m, dis_high95=high, dis_low=m - 0.1, dis_high=m + 0.1)
         for n, low, m, high in (("A", 0.3, 0.5, 0.7), ("B", 0.8, 1.0, 1.3), ("C", 1.1, 2.0, 3.0))],
        [{"surely": True, "stars": 1, "median_dis": 0.5, "relative_error": 0.2},
         {"surely": False, "stars": 1, "relative_error": 0.1}],
    ),
    "best_emission_kinds": (
        [star("A", em_flag=1, emission_kind="disc", p_kind=0.999, halpha_ew=10.0,
              peak_separation=200.0),
         star("B", em_flag=1, emission_kind="disc", p_kind=0.6, halpha_ew=20.0),
         star("C", em_flag=1, emission_kind="nebular", p_kind=1.0, halpha_ew=3.0),
         star("D", em_flag=0, emission_kind="disc", p_kind=1.0)],
        [{"emission_kind": "disc", "stars": 2, "certain": 1, "median_ew": 15.0,
          "with_two_peaks": 1, "median_peak_separation": 200.0},
         {"emission_kind": "nebular", "stars": 1, "with_two_peaks": 0}],
    ),
    "best_be_stars": (
        [star(n, em_flag=1, emission_kind=k, p_kind=p, teff=t, excess_ks=e, excess_ks_err=0.05)
         for n, k, p, t, e in (
             ("A", "disc", 0.95, 2e4, 0.1), ("B", "disc", 0.99, 2e4, 0.25),
             ("C", "nebular", 1.0, 2e4, 0.9), ("D", "disc", 0.5, 2e4, 0.9),
             ("E", "disc", 1.0, 4e4, 0.9))],
        [{"star_id": "B", "nsigma": 5.0}, {"star_id": "A", "nsigma": 2.0}],
    ),
    "best_velocity_binaries": (
        [visit("A", 1, rv=50.0, ln_bf_rv=8.0, n_visits=2, p_companion=0.3),
         visit("A", 2, rv=-50.0, ln_bf_rv=8.0, n_visits=2, p_companion=0.4),
         visit("A", 3, rv=900.0, ln_bf_rv=8.0, n_visits=2, fault="arm moved"),
         visit("B", 1, rv=0.0, ln_bf_rv=-2.0, n_visits=2)],
        [{"star_id": "A", "range": 100.0, "n_visits": 2, "p_companion": 0.4}],
    ),
    "best_faults": (
        [star("A", fault="sky", snr_g=20.0), star("B", fault="sky", snr_g=40.0),
         star("C", fault="arm moved"), star("D")],
        [{"fault": "sky", "spectra": 2, "median_snr_g": 30.0, "example": "A-1"},
         {"fault": "arm moved", "spectra": 1}],
    ),
}  # fmt: skip
# recipes that read other tables than the catalog
OTHER = {
    "best_against_paper": (
        {
            "catalog.catalog_diff": [
                {"specid": "A", "reason": "band B doubted; companion", "mk": 0.0, "mk_best": -0.5},
                {"specid": "B", "reason": "companion", "mk": 0.0, "mk_best": -0.25},
                {"specid": "C", "ebv": 0.25, "ebv_best": 0.5, "dis": 1.0, "dis_best": 1.0},
            ]
        },
        [
            {"why": "companion", "spectra": 2, "median_mk_change": -0.375},
            {"why": "a band doubted", "spectra": 1, "median_mk_change": -0.5},
            {"why": "within 2 sigma", "median_ebv_change": 0.25, "median_ln_dis_change": 0.0},
        ],
    ),
    "ambiguous_gaia": (
        {
            "sample.stars": [{"star_id": "A", "specid": "A-1"}, {"star_id": "B", "specid": "B-1"}],
            "sample.gaia_matches": [
                {"star_id": "A", "source_id": 1, "rank": 1, "chosen": 1, "reason": "nearest"},
                {
                    "star_id": "A",
                    "source_id": 2,
                    "rank": 2,
                    "chosen": 0,
                    "reason": "not the nearest, or not the given one",
                },
                {"star_id": "B", "source_id": 3, "rank": 1, "chosen": 1, "reason": "nearest"},
            ],
        },
        [{"source_id": 1, "chosen": 1}, {"source_id": 2, "chosen": 0}],
    ),
    "completeness_by_g": (
        {
            "catalog.ob_stars": [star("A", mk=1.0), star("B")],
            "sample.stars": [{"star_id": n, "specid": f"{n}-1", "g_gaia": 12.5} for n in "AB"],
        },
        [{"g_from": 12, "stars": 2, "with_mk": 0.5, "with_distance": 0.0}],
    ),
    "quarantine": (
        {
            "raw.files": [
                {"path": "x", "status": "quarantined", "reason": "not_fits"},
                {"path": "y", "status": "ingested"},
            ]
        },
        [{"reason": "not_fits", "files": 1, "example": "x"}],
    ),
    "sky_coverage": (
        {
            "catalog.ob_stars": [
                star("A", snr_g=50.0, erroneous=1),
                visit("A", 2, snr_g=30.0, erroneous=0),
            ],
            "raw.headers": [
                {"specid": f"A-{i}", "planid": "F1", "lmjd": 55858 + i} for i in (1, 2)
            ],
        },
        [
            {
                "planid": "F1",
                "spectra": 2,
                "stars": 1,
                "median_snr_g": 40.0,
                "erroneous_fraction": 0.5,
                "last_lmjd": 55860,
            }
        ],
    ),
    "training_sample": (
        {
            "luminosity.good_parallax": [
                {"star_id": n, "specid": n, "em_flag": 0, "is_train": t, "snr_g": s}
                for n, t, s in (("A", 1, 60.0), ("B", 1, 80.0), ("C", 0, 20.0))
            ],
            "luminosity.supplement": [
                {"star_id": "D", "specid": "D", "em_flag": 0, "is_train": 1, "snr_g": 90.0}
            ],
        },
        [
            {"outside": 0, "em_flag": 0, "is_train": 0, "stars": 1},
            {"is_train": 1, "stars": 2, "median_snr_g": 70.0},
            {"outside": 1, "is_train": 1, "stars": 1, "median_snr_g": 90.0},
        ],
    ),
    "noise_model": (
        {
            "model.noise_summary": [
                {"em_flag": e, "parameter": p} for e in (1, 0) for p in ("beta", "alpha")
            ]
        },
        [{"em_flag": e, "parameter": p} for e in (0, 1) for p in ("alpha", "beta")],
    ),
}
CASES = {
    name: ({table: rows}, found)
    for table, cases in (("catalog.ob_stars", KNOWN), ("catalog.ob_stars_best", BEST))
    for name, (rows, found) in cases.items()
} | OTHER


def recipe(name: str) -> str:
    return (SQL / "queries" / f"{name}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", COOKBOOK, ids=lambda path: path.stem)
def test_every_recipe_has_a_description_of_one_line_and_a_known_answer(path):
    title = re.match(r"-- Title:   (\S.{20,109})\n", path.read_text(encoding="utf-8"))
    assert title
    assert path.stem in CASES


def test_there_are_recipes_enough():
    assert len(COOKBOOK) >= 25


@pytest.mark.parametrize("name", sorted(CASES))
def test_answer(database, con, fill, name):
    tables, expected = CASES[name]
    for table, rows in tables.items():
        fill(con, table, rows)
    con.close()
    found = answer(database, recipe(name)).table.to_pylist()
    assert len(found) == len(expected)
    for row, known in zip(found, expected, strict=True):
        assert {k: row[k] for k in known} == {k: near(v) for k, v in known.items()}


def near(value):
    return pytest.approx(value, abs=1e-3) if isinstance(value, float) else value


@pytest.fixture(scope="module")
def plain(template):
    with duckdb.connect(str(template), read_only=True) as con:
        yield con


@pytest.mark.parametrize("path", COOKBOOK, ids=lambda path: path.stem)
def test_recipe_runs_in_plain_duckdb(plain, path):
    assert plain.sql(path.read_text(encoding="utf-8")).columns


ROWS = re.compile(r"<!-- rows of sql/queries/(\w+)\.sql -->\n```text\n(.*?)```", re.DOTALL)


def test_rows_of_the_readme_are_such_an_answer(database, con, fill):
    """As `obcat sql DATABASE --file` prints them on a terminal;
    the numbers are of the survey of full size.
    """
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (shown,) = ROWS.findall(readme)
    fill(con, "catalog.ob_stars", [star(str(i), snr_g=1.0) for i in range(6)])
    con.close()
    answered = answer(database, recipe(shown[0])).table
    head, *rows = (line.split() for line in shown[1].splitlines())
    assert head == answered.column_names
    assert len(rows) == len(answered)
    assert {len(row) for row in rows} == {len(head)}


DOCS = (Path(__file__).parents[3] / "docs" / "sql.md").read_text(encoding="utf-8")


def test_docs_name_macros_that_exist(template):
    with duckdb.connect(str(template), read_only=True) as con:
        there = {
            row[0] for row in con.execute("SELECT function_name FROM duckdb_functions()").fetchall()
        }
    section = DOCS.partition("## Formulas")[2].partition("##")[0]
    named = {
        name
        for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)", cell)
    }
    assert len(named) >= 18
    assert named <= there


def test_the_join_of_the_docs_runs(database, con, fill, tmp_path, monkeypatch):
    fill(con, "catalog.ob_stars", [star("A", ra=10.0, dec=20.0), star("B", ra=10.1, dec=20.0)])
    con.close()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("name,ra,dec\nmy star,10.0,20.0003\n", encoding="utf-8")
    query = re.search(r"```sql\n(.*?)```", DOCS, re.DOTALL).group(1)
    with duckdb.connect(str(database), read_only=True) as plain:
        assert [row[:2] for row in plain.execute(query).fetchall()] == [("my star", "A")]
