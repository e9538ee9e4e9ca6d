#!/usr/bin/env bash
# The Gaia part of obcat fetch, and a release published by its q.rd, on a real server of the Virtual Observatory: DaCHS of
# GAVO, on this machine only. Needs Debian and root; names an authority in /etc/gavo.rc where there is no such file:
#   apt-get install postgresql && service postgresql start && apt-get install gavodachs2-server && make test-dachs
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${1:-.venv/bin/python}"
command -v dachs > /dev/null || { echo "dachs is not there; the head of $0 says what to install"; exit 1; }
if ! pg_lsclusters --no-header | grep -q online; then
    pg_ctlcluster $(pg_lsclusters --no-header | awk '{print $1, $2; exit}') start
fi
[ -e /etc/gavo.rc ] || printf '[ivoa]\nauthority: test.obcat\n' > /etc/gavo.rc
inputs=$(runuser -u dachsroot -- dachs config inputsDir)
gaia=$inputs/gaiadr2
release=$inputs/obcat_demo
log=$(mktemp)
mkdir -p "$gaia"
"$python" -m tests.dachs.tables "$gaia" "$release"
install --mode 644 tests/dachs/q.rd "$gaia/q.rd"
chown --recursive dachsroot "$gaia" "$release"
chmod --recursive a+rX "$release"
for rd in "$gaia/q.rd" //obscore "$release/q.rd"; do runuser -u dachsroot -- dachs imp "$rd"; done
setpriv --reuid gavo --regid gavo --init-groups env HOME=/tmp dachs serve debug > "$log" 2>&1 &
server=$!
trap 'kill "$server"; rm -f "$log"' EXIT
for _ in $(seq 60); do
    if "$python" -c 'import urllib.request as u; u.urlopen("http://127.0.0.1:8080/tap/availability")' 2> /dev/null; then
        "$python" -m pytest -q --override-ini "python_files=*_part.py" tests/dachs
        exit
    fi
    sleep 1
done
echo "dachs did not answer within a minute:"
tail "$log"
exit 1
