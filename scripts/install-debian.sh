#!/usr/bin/env bash
# Install the Debian or Ubuntu packages that `make setup` needs. Without root it only names them.
set -euo pipefail
packages=(python3 python3-venv make)
missing=()
for package in "${packages[@]}"; do
  if [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
    missing+=("$package")
  fi
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "all there: ${packages[*]}"
elif [ "$(id -u)" -ne 0 ]; then
  echo "these Debian packages are missing: ${missing[*]}"
  echo "as root: apt-get install --yes --no-install-recommends ${missing[*]}"
  exit 1
else
  echo "installing: ${missing[*]}"
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
fi
