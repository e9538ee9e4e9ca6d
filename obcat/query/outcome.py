"""What a build gave, in a few lines for the terminal."""

from pathlib import Path

from obcat.reading import open_database, provenance_of, query_text

__all__ = ["outcome"]


def outcome(database: Path) -> list[str]:
    """Lines about a finished database: how many stars have what, which columns are empty and why,
    and three commands to go on with. NotOurs where it is none of ours.
    """
    with open_database(database) as survey:
        cursor = survey.con.execute(query_text("report/outcome"))
        names = [column[0] for column in cursor.description or ()]
        n = dict(zip(names, cursor.fetchall()[0], strict=True))
        empty = survey.con.execute(query_text("95_check/70_empty")).fetchall()
        heading = survey.heading
        lender = provenance_of(survey.con).get("models_from")
    return [
        f"{heading}: {n['spectra']:,} spectra of {n['stars']:,} stars"
        f" ({n['quarantined']:,} files in quarantine)",
        *([f"  models lent by the {lender}"] if lender else []),
        f"  absolute magnitude   {_of(n['magnitude'], n['stars'])}",
        f"  distance             {_of(n['distance'], n['stars'])}",
        f"  E(B-V)               {_of(n['reddening'], n['stars'])}",
        f"  binaries             {_of(n['binaries'], n['classified'])} that can be told",
        f"  emission lines       {_of(n['emission'], n['stars'])}",
        f"  with a warning       {_of(n['warned'], n['stars'])}: out_of_domain or erroneous",
        *(f"  empty: {column} ({reason})" for column, reason in empty),
        *(f"  obcat {command}" for command in _next(database)),
    ]


def _of(part: int, whole: int) -> str:
    share = f" ({100 * part / whole:.1f} %)" if whole else ""
    return f"{part:>7,} of {whole:,}{share}"


def _next(database: Path) -> list[str]:
    return [
        f"sql {database} --recipe first_look",
        f"page {database}",
        f"export {database}",
    ]
