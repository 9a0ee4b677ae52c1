#!/usr/bin/env bash
# Install the Debian or Ubuntu packages that trunkline needs: for `make setup`, and for the lab's real packets
# (strongSwan, bird, nftables: what each is for stands below). Without root it only names those that are missing.
#   scripts/install-debian.sh            for `make setup` and real packets
#   scripts/install-debian.sh packets    for real packets alone; exit code 1 when they are not all there
#   scripts/install-debian.sh tests      for real packets, and what only the tests need
set -euo pipefail
setup=(python3 python3-venv make)
packets=(
  iproute2                        # ip: namespaces, wires, routes
  ethtool                         # lets devices gather packets
  nftables                        # groups, ACLs, firewalls, address translation
  iputils-ping iperf3             # what hosts ask each other with
  procps                          # ps, for the tests
  strongswan-charon               # the IKE daemon
  strongswan-swanctl              # its VICI plug-in
  libcharon-extra-plugins         # its IPsec in user space (kernel-libipsec)
  libstrongswan-standard-plugins  # its openssl
  bird2                           # BGP and BFD
)
tests=(
  chromium                        # the browser in which reports are tested
  strace                          # counts what the journal's commits ask of the disk
)
case "${1:-all}" in
  all) packages=("${setup[@]}" "${packets[@]}") ;;
  packets) packages=("${packets[@]}") ;;
  tests) packages=("${packets[@]}" "${tests[@]}") ;;
  *) echo "usage: $0 [packets|tests]" >&2; exit 64 ;;
esac

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
  # Debian starts the daemons of what it installs; the lab runs its own, in namespaces, and wants none of the system's.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
fi
