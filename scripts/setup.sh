#!/usr/bin/env bash
# Make .venv with the pinned, hashed packages of constraints/dev.txt and trunkline itself (editable).
# Returns at once when neither the pins nor pyproject.toml changed since the last time. Needs Python 3.11 or newer.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=constraints/dev.txt
stamp=.venv/.trunkline-setup
fingerprint=$(cat "$pins" pyproject.toml | cksum)
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$fingerprint" ]; then
  exit 0
fi

find_python() {
  for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "error: no Python 3.11 or newer was found" >&2
  echo "hint: install one, or say which: make setup PYTHON=/path/to/python3" >&2
  exit 1
}

if [ ! -x .venv/bin/python ]; then
  python=$(find_python)
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "error: $python cannot make a virtual environment: its venv or ensurepip module is missing" >&2
    echo "hint: on Debian or Ubuntu, as root: apt-get install python3-venv (or python$version-venv), or run scripts/install-debian.sh" >&2
    exit 1
  fi
  echo "setup: making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi

echo "setup: installing $(grep -c '==' "$pins") pinned packages into .venv (a minute or two the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$pins"
# The build backend is among the pins, so trunkline itself needs no further download.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
echo "$fingerprint" > "$stamp"
echo "setup: done; .venv/bin/trunkline --help"
