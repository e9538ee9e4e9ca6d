"""What the tests of the written files share."""

import pytest
from release_rows import rows_of


@pytest.fixture(scope="session")
def rows() -> dict[str, list]:
    return rows_of(40)
