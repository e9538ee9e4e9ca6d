"""Tables of numbers into docs/method.md: ``obcat evaluate ... --aims | python docs/placed.py aims``
and ``python docs/deviations.py ... | python docs/placed.py deviations`` put what they read between
the marks of that name.
"""

import re
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "method.md"


def placed(page: str, name: str, table: str) -> str:
    """The page with the table between ``<!-- name -->`` and ``<!-- /name -->``."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if begin not in page or end not in page:
        raise SystemExit(f"{PAGE}: has no marks {begin.strip()} and {end}")
    return re.sub(f"{begin}.*?{end}", lambda _: begin + table + end, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(placed(PAGE.read_text("utf-8"), sys.argv[1], sys.stdin.read()), "utf-8")
