"""What real packets need of the machine, and what of it is missing, named with its Debian package."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHARON = Path("/usr/lib/ipsec/charon")
_PLUGINS = Path("/usr/lib/ipsec/plugins")
_TUN = Path("/dev/net/tun")
_PROFILES = Path("/sys/kernel/security/apparmor/profiles")
_REMEDY = "as root: apparmor_parser -R /etc/apparmor.d/usr.lib.ipsec.charon"
_SBIN = "/usr/sbin:/sbin"
_PROGRAMS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "nft": "nftables",
    "ethtool": "ethtool",
    "ping": "iputils-ping",
    "iperf3": "iperf3",
    "bird": "bird2",
    "birdc": "bird2",
}
_FILES = {
    CHARON: "strongswan-charon",
    _PLUGINS / "libstrongswan-openssl.so": "libstrongswan-standard-plugins",
    _PLUGINS / "libstrongswan-kernel-libipsec.so": "libcharon-extra-plugins",
    _PLUGINS / "libstrongswan-vici.so": "strongswan-swanctl",
}


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not there: what, and the Debian package that has it ("" where none does)."""

    what: str
    package: str = ""

    def __str__(self) -> str:
        return f"{self.what} (Debian package {self.package})" if self.package else self.what


def path() -> str:
    """Where programs are looked for: Debian has some of them where only root's PATH leads."""
    return f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"


def missing() -> list[Missing]:
    """All that is missing; empty when packets can run here."""
    found = [Missing(name, package) for name, package in _PROGRAMS.items() if not shutil.which(name, path=path())]
    found += [Missing(str(file), package) for file, package in _FILES.items() if not file.exists()]
    if not os.access(_TUN, os.R_OK | os.W_OK):
        found.append(Missing(f"{_TUN}, readable and writable for you (as root: chmod 0666 {_TUN})"))
    if _confined():
        found.append(Missing(f"a charon that may read the lab's files: AppArmor confines it ({_REMEDY})"))
    if not found and (why := _no_namespaces()):
        found.append(Missing(f"the right to make namespaces: {why} (run as root, or allow user namespaces)"))
    return found


def unshare() -> list[str]:
    """The words that start a program in namespaces of its own, which end with it; a user's too, without root."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]


def _confined() -> bool:
    """Whether AppArmor enforces a profile for charon; no, where that cannot be read."""
    try:
        return f"{CHARON} (enforce)" in _PROFILES.read_text()
    except OSError:
        return False


def _no_namespaces() -> str:
    tried = [*unshare(), "sh", "-c", "mount -t tmpfs tmpfs /run && ip netns add try"]
    done = subprocess.run(
        tried, capture_output=True, text=True, check=False, timeout=20, env={**os.environ, "PATH": path()}
    )
    return done.stderr.strip() if done.returncode else ""
