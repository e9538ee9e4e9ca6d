#!/usr/bin/env bash
# .ci/torch.sh PYTHON REQUIREMENT: put PyTorch into the environment of PYTHON; its CPU build where one can be had.
# Training here uses no GPU. In turn: what pip finds if it brings no CUDA (a CPU wheel at hand, macOS, some ARM);
# uv's CPU backend; the plain package with all it depends on, having said how big that is.
set -euo pipefail
python=$1 requirement=$2
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# Succeeds where pip would install nothing of CUDA.
light() {
    "$python" -m pip install --dry-run --quiet --report "$report" "$requirement" 2> /dev/null || return 1
    "$python" - "$report" 2> /dev/null << 'END'
import json, sys
names = {item["metadata"]["name"].lower() for item in json.load(open(sys.argv[1]))["install"]}
sys.exit(any(name.startswith(("nvidia", "cuda", "triton")) for name in names))
END
}

# Succeeds where uv has installed the CPU build; a host that cannot be reached costs seconds and says nothing.
cpu() {
    local uv=("$python" -m uv pip install --quiet --python "$python" --torch-backend cpu --reinstall-package torch)
    UV_HTTP_RETRIES=0 UV_HTTP_TIMEOUT=15 "${uv[@]}" --dry-run "$requirement" 2> /dev/null && "${uv[@]}" "$requirement"
}

if light; then
    "$python" -m pip install --quiet "$requirement"
elif cpu; then
    echo "PyTorch: CPU build"
else
    echo "PyTorch: no CPU build can be had here, so $requirement comes with CUDA: 5 GB on disk, some minutes to download"
    "$python" -m pip install --quiet "$requirement"
fi
