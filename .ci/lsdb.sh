#!/usr/bin/env bash
# .ci/lsdb.sh DIR: make a virtual environment DIR with LSDB, for the test that it reads the HATS catalog.
# Then: OBCAT_LSDB=DIR/bin/python make test
set -euo pipefail
python=${PYTHON:-$(dirname "$0")/../.venv/bin/python}
"$python" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check lsdb==0.11.1
