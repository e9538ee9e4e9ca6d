"""Tables of the six stars as CSV files for DaCHS: python -m tests.dachs.tables FOLDER."""

import sys
from pathlib import Path

from tests.fetch.world import archives, csv_of


def main(folder: Path) -> None:
    made = archives()
    for name in ("gaia_source", "ruwe"):
        (folder / f"{name}.csv").write_bytes(csv_of(made.query(f"FROM gaiadr2.{name}")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
