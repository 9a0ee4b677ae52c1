#!/usr/bin/env bash
# Make .venv-bench with what bench/ measures against, from the pinned, hashed packages of constraints/bench.txt.
# An environment of its own: the peers' pins must not move ours. Returns at once when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=constraints/bench.txt
stamp=.venv-bench/.trunkline-setup
fingerprint=$(cksum < "$pins")
if [ -x .venv-bench/bin/python ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$fingerprint" ]; then
  exit 0
fi
echo "bench: installing $(grep -c '==' "$pins") pinned packages into .venv-bench"
.venv/bin/python -m venv --clear .venv-bench
.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$pins"
echo "$fingerprint" > "$stamp"
