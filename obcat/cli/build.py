"""Commands that make a catalog: simulate, ingest, build; past one machine partition and merge; from
nothing at once: demo.
"""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from obcat.cli.group import (
    BUILD,
    SPECTRA,
    SURVEY,
    TRUST,
    load,
    main,
    naming,
    number_option,
    refuse_untrusted,
    say,
    say_outcome,
)
from obcat.errors import ObcatError
from obcat.progress import progress

if TYPE_CHECKING:
    from obcat.survey import Survey


class Kept(ObcatError):
    """Another survey is there, and is to be kept; one line."""

    exit_code = 2


def list_ingredients(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    from obcat.simulate.ingredients import INGREDIENTS

    if wanted:
        width = max(map(len, INGREDIENTS))
        for name, text in INGREDIENTS.items():
            click.echo(f"{name:<{width}}  {text}")
        context.exit()


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@number_option(
    "--size",
    "--stars",
    default=16_032,
    least=1,
    most=1_000_000,
    text="Number of stars; 16032 stars have 22,901 spectra.",
)
@number_option("--seed", default=1, least=0, text="The same seed gives the same files.")
@click.option(
    "--without", multiple=True, metavar="NAME", help="An ingredient to leave out; may be repeated."
)
@click.option(
    "--seed-of",
    "seeds",
    multiple=True,
    metavar="NAME=SEED",
    help="A seed of its own for an ingredient; repeatable.",
)
@click.option(
    "--ingredients",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=list_ingredients,
    help="List them.",
)
@number_option(
    "--training-from",
    default=-3,
    least=-3,
    most=2,
    text="M_Ks of the faintest stars from outside the sample that train, as many a magnitude.",
)
@number_option("--workers", default=2, least=1, text="Processes.")
@click.option("--keep", is_flag=True, help="Refuse where a survey asked for otherwise is there.")
def simulate(
    folder: Path,
    size: int,
    seed: int,
    without: tuple[str, ...],
    seeds: tuple[str, ...],
    training_from: int,
    workers: int,
    *,
    keep: bool = False,
) -> None:
    """Make a SIMULATED survey in FOLDER/survey and its truth in FOLDER/truth; no build looks at the
    truth.

    Both are links into FOLDER/simulation, which appears as a whole; nothing that obcat did not make
    is replaced.

    Each ingredient draws from a stream of its own: leaving one out, or another seed for it, changes
    no draw of the others.
    """
    from obcat import simulate as simulation
    from obcat.files import clear_left

    recipe = simulation.recipe_of(seed, without, seeds, training_from)
    survey, truth = folder / "survey", folder / "truth"
    clear_left(folder)
    if simulation.is_current(survey, truth, size, recipe):
        say(f"{survey}: simulated survey is there already")
        return
    if keep and (there := simulation.other_than(truth, size, recipe)):
        raise Kept(
            f"{folder}: holds a SIMULATED survey of {there}; ask for the same, move it away with "
            "the catalog beside it, or leave out --keep to replace it"
        )
    started = time.monotonic()
    with naming(folder), progress("simulating spectra") as step:
        simulation.simulate(
            survey, truth, n_stars=size, recipe=recipe, workers=workers, progress=step
        )
    say(f"{survey}: simulated in {time.monotonic() - started:.0f} s")


@main.command()
@SURVEY
@BUILD
@number_option("--workers", default=2, least=1, text="Reader processes.")
@click.option(
    "--again",
    "--rehash",
    is_flag=True,
    help="Read every file again, though size and time are as before; repairs a damaged store.",
)
@click.option(
    "--keep",
    is_flag=True,
    help="Keep what was read of files that are gone: spectra are read, and removed, in batches.",
)
@click.option(
    "--allow-empty", is_flag=True, help="Accept tables of which no row belongs to a spectrum."
)
def ingest(
    survey: Path, root: Path, workers: int, *, again: bool, keep: bool, allow_empty: bool
) -> None:
    """Read the spectra and tables of SURVEY (a TOML file) into build/NAME/raw;
    only what is new or changed is read.
    """
    from obcat.machine import kept_arrays, locked
    from obcat.survey import claim

    if again and keep:
        raise click.UsageError("--again reads every file, --keep is for files that are gone")
    described = load(survey)
    folder = root / described.name
    started = time.monotonic()
    with kept_arrays(), locked(folder), progress("reading spectra") as step:
        from obcat.ingest.survey import ingest as run

        claim(folder, survey, described.name)
        counts = run(
            described,
            folder / "raw",
            workers=workers,
            progress=step,
            again=again,
            keep=keep,
            allow_empty=allow_empty,
        )
    for line in counts:
        say(line)
    say(f"{folder / 'raw'}: up to date in {time.monotonic() - started:.0f} s")


@main.command()
@SURVEY
@BUILD
@click.option(
    "--threads", type=click.IntRange(min=1), help="Default: the CPUs that this process may use."
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="For the database, such as 2GB; batches and fits take up to 2 GB besides. Default: "
    "follows the machine.",
)
@click.option(
    "--partition",
    "wanted",
    metavar="NAME",
    help="Build one partition of those that `obcat partition` wrote, by its name or its number.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Cut the survey, build its partitions there, merge them: local:N, N processes of this "
    "machine; dask:N; or the address of a Dask scheduler. Default: [engine] of the survey.",
)
@click.option("--insecure", is_flag=True, help="With --cluster: an address that is not encrypted.")
@click.option(
    "--allow-missing",
    is_flag=True,
    help="With --cluster: leave out the stars of partitions that fail.",
)
@TRUST
def build(
    survey: Path,
    root: Path,
    threads: int | None,
    memory: str | None,
    wanted: str | None,
    cluster: str | None,
    *,
    insecure: bool,
    allow_missing: bool,
) -> None:
    """Make build/NAME/obcat.duckdb from what was ingested; does nothing if nothing has changed."""
    from obcat.build.run import build as run
    from obcat.survey import check_claim

    if wanted is not None and cluster is not None:
        raise click.UsageError("--partition builds one, --cluster builds all; give one of the two")
    described = load(survey)
    refuse_untrusted(described.models_from, "models_from: ")
    folder = root / described.name
    check_claim(folder, survey, described.name)
    if wanted is not None:
        _build_one(described, folder, wanted, threads, memory)
        return
    started = time.monotonic()
    if address := cluster or described.engine.address:
        made = _build_all(
            described, survey, folder, address, memory=memory, allow_missing=allow_missing,
            insecure=insecure,
        )  # fmt: skip
    else:
        made = run(described, folder, say=say, threads=threads, memory=memory)
    say_outcome(folder / "obcat.duckdb", started, made=made)


def _build_one(
    survey: "Survey", folder: Path, wanted: str, threads: int | None, memory: str | None
) -> None:
    from obcat.partition import build_partition, home_of, read_plan

    started = time.monotonic()
    name = read_plan(folder).named(wanted)
    made = build_partition(survey, folder, name, say=say, threads=threads, memory=memory)
    done = f"built in {time.monotonic() - started:.0f} s" if made else "nothing has changed"
    say(f"{home_of(folder, name)}: {done}")


def _build_all(survey: "Survey", toml: Path, folder: Path, address: str, **settings: Any) -> bool:
    from obcat.partition.launch import launch

    made = launch(survey, toml, folder, address, spectra=SPECTRA, say=say, **settings)
    _write_hats(folder)
    return made


def _write_hats(folder: Path) -> None:
    from obcat.build.fitting import fingerprint_of
    from obcat.export.healpix import write_catalog

    if write_catalog(folder, fingerprint_of(folder / "obcat.duckdb") or ""):
        say(f"{folder / 'catalog'}: the catalog as HATS, for lsdb.open_catalog")


QUESTION = "SELECT star_id, mk, dis FROM catalog.ob_stars WHERE uniqflag = 1 ORDER BY mk LIMIT 5"


@main.command()
@SURVEY
@BUILD
@number_option(
    "--spectra",
    default=SPECTRA,
    least=1,
    text="Largest number of spectra of a partition; a pixel with more is split into four.",
)
@TRUST
def partition(survey: Path, root: Path, spectra: int) -> None:
    """Cut what was ingested into partitions of the sky; each is then built by itself.

    The next commands are printed: `obcat build --partition`, on as many machines as there are, and
    `obcat merge`.
    """
    from obcat.partition import PILOT
    from obcat.partition.cut import cut
    from obcat.survey import check_claim

    described = load(survey)
    refuse_untrusted(described.models_from, "models_from: ")
    folder = root / described.name
    check_claim(folder, survey, described.name)
    with naming(folder / "partitions"):
        plan = cut(described, folder, spectra=spectra, say=say)
    spectra = sum(plan.sizes.values())
    say(f"{folder / 'partitions'}: {len(plan.names)} partitions, {spectra:,} spectra")
    command = shlex.join(["obcat", "build", str(survey), "--build", str(root), "--partition"])
    if plan.pilot:
        say(f"first the models: {command} {PILOT}")
    say(f"then each partition, 0 to {len(plan.names) - 1}: {command} NUMBER")
    say(f"then: {shlex.join(['obcat', 'merge', str(survey), '--build', str(root)])}")


@main.command()
@SURVEY
@BUILD
@click.option(
    "--threads", type=click.IntRange(min=1), help="Default: the CPUs that this process may use."
)
@click.option("--memory", metavar="SIZE", help="For the database, such as 2GB.")
@click.option(
    "--allow-missing", is_flag=True, help="Leave out the stars of partitions that are not built."
)
@TRUST
def merge(
    survey: Path, root: Path, threads: int | None, memory: str | None, *, allow_missing: bool
) -> None:
    """Make build/NAME/obcat.duckdb of the partitions of SURVEY, as one build would have made it."""
    from obcat.partition.merging import merge as run
    from obcat.survey import check_claim

    described = load(survey)
    refuse_untrusted(described.models_from, "models_from: ")
    folder = root / described.name
    check_claim(folder, survey, described.name)
    started = time.monotonic()
    with naming(folder):
        made = run(
            described,
            folder,
            say=say,
            allow_missing=allow_missing,
            threads=threads,
            memory=memory,
        )
    _write_hats(folder)
    say_outcome(folder / "obcat.duckdb", started, made=made)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("build/demo"))
@number_option("--stars", default=2_000, least=1, most=1_000_000, text="Number of stars.")
@click.pass_context
def demo(context: click.Context, folder: Path, stars: int) -> None:
    """Simulate, ingest and build a catalog of SIMULATED stars in FOLDER, and say where it is.

    FOLDER is build/demo unless given.
    """
    from obcat.build.run import require_training

    require_training()
    survey = folder / "simulated" / "survey" / "survey.toml"
    context.invoke(simulate, folder=folder / "simulated", size=stars)
    context.invoke(ingest, survey=survey, root=folder)
    context.invoke(build, survey=survey, root=folder)
    database = folder / "simulated" / "obcat.duckdb"
    say(f"The catalog of SIMULATED stars is {database}. Ask it:")
    say(shlex.join(["obcat", "sql", str(database), QUESTION]))
