#!/usr/bin/env bash
# .ci/fresh-machine.sh SCRATCH [VERSION...]: does `make catalog` work where nothing was done before?
# For each Python (3.11 3.12 3.13 if none is given), in a fresh clone below SCRATCH and with pip's configuration off (no
# wheels at hand, no constraints, no further index): make catalog STARS=400 and make check, as the README says. Downloads
# some 3 GB where no CPU build of PyTorch can be had, so a person runs it, not CI. Clones are removed afterwards.
set -euo pipefail
scratch=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- 3.11 3.12 3.13
checkout=$(realpath "$(dirname "$0")/..")
for name in $(compgen -e | grep -E '^(PIP|UV)_' | grep -vE '^(PIP_CERT|PIP_DEFAULT_TIMEOUT)$'); do unset "$name"; done
export PIP_CONFIG_FILE=/dev/null PIP_CACHE_DIR="$scratch/pip-cache" UV_NO_CONFIG=1

# A Python of that version: by its name on PATH, pyenv's, or uv's.
python_of() {
    local found
    for found in "python$1" "$(pyenv prefix "$(pyenv latest "$1" 2> /dev/null)" 2> /dev/null)/bin/python" \
        "$(uv python find --no-project "$1" 2> /dev/null)"; do
        "$found" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2> /dev/null || continue
        "$found" -c 'import sys; print(sys.executable)'
        return
    done
    echo "no Python $1 on PATH, of pyenv or of uv" >&2
    return 1
}

clone="$scratch/fresh-clone"
trap 'rm -rf "$clone" "$PIP_CACHE_DIR"' EXIT
failed=()
for version in "$@"; do
    rm -rf "$clone"
    echo "== Python $version, $(uname -sm), commit $(git -C "$checkout" rev-parse --short HEAD)"
    python=$(python_of "$version") || { failed+=("$version"); continue; }
    git clone --quiet "$checkout" "$clone"
    start=$SECONDS
    if nice make --directory "$clone" PYTHON="$python" STARS=400 catalog check 2>&1 && [ -f "$clone/.venv/.ready" ]; then
        echo "== Python $version: works; $((SECONDS - start)) s, environment of $(du -sm "$clone/.venv" | cut -f1) MB," \
            "PyTorch $("$clone/.venv/bin/python" -c 'import torch; print(torch.__version__)')"
    else
        echo "== Python $version: FAILED after $((SECONDS - start)) s"
        failed+=("$version")
    fi
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
