"""Commands past one machine: cut a survey into partitions, build one, merge them."""

import shlex
import time
from pathlib import Path

import click

from obcat.cli import group


@group.main.command()
@group.SURVEY
@group.BUILD
@group.number_option(
    "--spectra",
    default=group.SPECTRA,
    least=1,
    text="Largest number of spectra of a partition; a pixel with more is split into four.",
)
@group.TRUST
def partition(survey: Path, root: Path, spectra: int) -> None:
    """Cut what was ingested into partitions of the sky; each is then built by itself.

    The next commands are printed: `obcat build --partition`, on as many machines as there are, and
    `obcat merge`.
    """
    from obcat.partition import PILOT
    from obcat.partition.cut import cut
    from obcat.survey import check_claim

    described = group.load(survey)
    group.refuse_untrusted(described.models_from, "models_from: ")
    folder = root / described.name
    check_claim(folder, survey, described.name)
    with group.naming(folder / "partitions"):
        plan = cut(described, folder, spectra=spectra, say=group.say)
    group.say(
        f"{folder / 'partitions'}: {len(plan.names)} partitions, {len(plan.owners):,} spectra"
    )
    command = shlex.join(["obcat", "build", str(survey), "--build", str(root), "--partition"])
    if plan.pilot:
        group.say(f"first the models: {command} {PILOT}")
    group.say(f"then each partition, 0 to {len(plan.names) - 1}: {command} NUMBER")
    group.say(f"then: {shlex.join(['obcat', 'merge', str(survey), '--build', str(root)])}")


@group.main.command()
@group.SURVEY
@group.BUILD
@click.option(
    "--threads", type=click.IntRange(min=1), help="Default: the CPUs that this process may use."
)
@click.option("--memory", metavar="SIZE", help="For the database, such as 2GB.")
@click.option(
    "--allow-missing", is_flag=True, help="Leave out the stars of partitions that are not built."
)
@group.TRUST
def merge(
    survey: Path, root: Path, threads: int | None, memory: str | None, *, allow_missing: bool
) -> None:
    """Make build/NAME/obcat.duckdb of the partitions of SURVEY, as one build would have made it."""
    from obcat.build.fitting import fingerprint_of
    from obcat.export.healpix import write_catalog
    from obcat.partition.merging import merge as run
    from obcat.survey import check_claim

    described = group.load(survey)
    group.refuse_untrusted(described.models_from, "models_from: ")
    folder = root / described.name
    check_claim(folder, survey, described.name)
    started = time.monotonic()
    with group.naming(folder):
        made = run(
            described,
            folder,
            say=group.say,
            allow_missing=allow_missing,
            threads=threads,
            memory=memory,
        )
    if write_catalog(folder, fingerprint_of(folder / group.FILE) or ""):
        group.say(f"{folder / 'catalog'}: the catalog as HATS, for lsdb.open_catalog")
    group.say_outcome(folder / "obcat.duckdb", started, made=made)
