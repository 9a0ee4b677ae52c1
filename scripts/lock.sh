#!/usr/bin/env bash
# Write constraints/*.txt: every package that pyproject.toml leads to, and what bench/ measures against, pinned,
# with the hashes of its files. `scripts/lock.sh bench` writes one part alone; the parts are dev, run and bench.
# Pins that still fit are kept, so that a new dependency renews nothing else; UPGRADE=1 takes the newest of everything.
# The format (requirements with hashes) names no package index, so that any mirror serves it; this script makes sure.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v .venv/bin/uv || command -v uv) || {
  echo "error: uv is needed to resolve for every platform at once" >&2
  echo "hint: .venv/bin/pip install uv" >&2
  exit 1
}
for part in ${*:-dev run bench}; do
  case $part in
    dev) wanted=(pyproject.toml --all-extras --group dev) ;;
    run) wanted=(pyproject.toml --extra aws --extra azure --extra vns3) ;;
    bench) wanted=(constraints/bench.in) ;;
    *)
      echo "error: no such part: $part; there are dev, run and bench" >&2
      exit 64
      ;;
  esac
  [ -n "${UPGRADE:-}" ] || cp "constraints/$part.txt" "constraints/$part.txt.new"
  "$uv" pip compile "${wanted[@]}" --universal --python-version 3.11 ${UPGRADE:+--upgrade} --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file "constraints/$part.txt.new" >/dev/null
  if grep -nE '://|^-|^ *--(index|extra|find|trusted)| @ ' "constraints/$part.txt.new"; then
    echo "error: constraints/$part.txt would name a place (above)" >&2
    rm "constraints/$part.txt.new"
    exit 1
  fi
  mv "constraints/$part.txt.new" "constraints/$part.txt"
  echo "constraints/$part.txt: $(grep -c '==' "constraints/$part.txt") packages"
done
