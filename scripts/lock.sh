#!/usr/bin/env bash
# Write constraints/*.txt anew: every package that pyproject.toml leads to, and what bench/ measures against, pinned,
# with the hashes of its files. `scripts/lock.sh bench` writes one part alone; the parts are dev, run and bench.
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
  "$uv" pip compile "${wanted[@]}" --universal --python-version 3.11 --upgrade --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file "constraints/$part.txt.new" >/dev/null
  if grep -nE '://|^-|^ *--(index|extra|find|trusted)| @ ' "constraints/$part.txt.new"; then
    echo "error: constraints/$part.txt would name a place (above)" >&2
    rm "constraints/$part.txt.new"
    exit 1
  fi
  mv "constraints/$part.txt.new" "constraints/$part.txt"
  echo "constraints/$part.txt: $(grep -c '==' "constraints/$part.txt") packages"
done
