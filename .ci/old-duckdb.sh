#!/usr/bin/env bash
# .ci/old-duckdb.sh DIR: put older DuckDBs into DIR/VERSION, for the tests of the released database.
# Then: OBCAT_OLD_DUCKDB=DIR make test
set -euo pipefail
python=${PYTHON:-$(dirname "$0")/../.venv/bin/python}
for version in 1.1.3 1.4.4; do
    [ -d "$1/$version/duckdb" ] ||
        "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$1/$version" "duckdb==$version"
done
