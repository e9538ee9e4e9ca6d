#!/usr/bin/env bash
# The Gaia part of obcat fetch against a real TAP server: DaCHS of GAVO, on this machine only. Needs Debian and root:
#   apt-get install postgresql && service postgresql start && apt-get install gavodachs2-server && make test-dachs
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${1:-.venv/bin/python}"
command -v dachs > /dev/null || { echo "dachs is not there; the head of $0 says what to install"; exit 1; }
if ! pg_lsclusters --no-header | grep -q online; then
    pg_ctlcluster $(pg_lsclusters --no-header | awk '{print $1, $2; exit}') start
fi
inputs=$(runuser -u dachsroot -- dachs config inputsDir)/gaiadr2
log=$(mktemp)
mkdir -p "$inputs"
"$python" -m tests.dachs.tables "$inputs"
install --mode 644 tests/dachs/q.rd "$inputs/q.rd"
chown --recursive dachsroot "$inputs"
runuser -u dachsroot -- dachs imp "$inputs/q.rd"
setpriv --reuid gavo --regid gavo --init-groups env HOME=/tmp dachs serve debug > "$log" 2>&1 &
server=$!
trap 'kill "$server"; rm -f "$log"' EXIT
for _ in $(seq 60); do
    if "$python" -c 'import urllib.request as u; u.urlopen("http://127.0.0.1:8080/tap/availability")' 2> /dev/null; then
        "$python" -m pytest -q --override-ini "python_files=gaia_part.py" tests/dachs
        exit
    fi
    sleep 1
done
echo "dachs did not answer within a minute:"
tail "$log"
exit 1
