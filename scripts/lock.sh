#!/usr/bin/env bash
# Write constraints/*.txt anew: every package that pyproject.toml leads to, pinned, with the hashes of its files.
# The format (requirements with hashes) names no package index, so that any mirror serves it; this script makes sure.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v .venv/bin/uv || command -v uv) || {
  echo "error: uv is needed to resolve for every platform at once" >&2
  echo "hint: .venv/bin/pip install uv" >&2
  exit 1
}
for part in dev run; do
  if [ "$part" = dev ]; then groups=(--all-extras --group dev); else groups=(--extra aws --extra azure --extra vns3); fi
  "$uv" pip compile pyproject.toml "${groups[@]}" --universal --python-version 3.11 --upgrade --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file "constraints/$part.txt.new" >/dev/null
  if grep -nE '://|^-|^ *--(index|extra|find|trusted)| @ ' "constraints/$part.txt.new"; then
    echo "error: constraints/$part.txt would name a place (above)" >&2
    rm "constraints/$part.txt.new"
    exit 1
  fi
  mv "constraints/$part.txt.new" "constraints/$part.txt"
  echo "constraints/$part.txt: $(grep -c '==' "constraints/$part.txt") packages"
done
