"""Work inside a named network namespace: its interfaces and routes, its nftables rules, programs that live there."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

NAMESPACES = Path("/run/netns")
T = TypeVar("T")
_CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_libc = ctypes.CDLL(None, use_errno=True)


class Refused(RuntimeError):
    """The kernel (or a tool that speaks to it) took something not; the message holds its own words."""


def ip(namespace: str | None, lines: Iterable[str], *, force: bool = False) -> None:
    """Run lines of the `ip` command in one go ("link set lo up"); None is the namespace that this process is in.

    Raises Refused; `force` goes on after a failure.
    """
    text = "\n".join(lines)
    if text:
        options = [*(["-n", namespace] if namespace else []), *(["-force"] if force else []), "-batch", "-"]
        _run(["ip", *options], text + "\n", quiet=force)


def nft(namespace: str, text: str) -> None:
    """Load an nftables script, all of it or nothing. Raises Refused."""
    _run([*enter(namespace), "nft", "-f", "-"], text)


def sysctl(namespace: str, values: Mapping[str, int]) -> None:
    """Set kernel parameters of the namespace ("net.ipv4.ip_forward")."""
    paths = {Path("/proc/sys", *name.split(".")): value for name, value in values.items()}
    inside(namespace, lambda: [path.write_text(str(value)) for path, value in paths.items()])


def output(namespace: str, command: Sequence[str]) -> str:
    """What a command prints in the namespace. Raises Refused."""
    return _run([*enter(namespace), *command])


def spawn(
    namespace: str,
    command: Sequence[str],
    *,
    private_run: Path | None = None,
    log: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in the namespace; the process is the program itself, so that its pid can be stopped and killed.

    Parameters:
        private_run: A directory that the program (and no other) sees as /run.
        log: Where it writes; nowhere when None.
        environment: All of its environment.
    """
    words = [*enter(namespace), *command]
    if private_run is not None:
        mounted = ["sh", "-c", f'mount --bind "{private_run}" /run && exec "$@"', "sh", *command]
        words = [*enter(namespace), "unshare", "-m", *mounted]
    output = log if log is not None else subprocess.DEVNULL
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment) if environment else None
    )


def enter(namespace: str) -> list[str]:
    """The words to put before a command that is to run in the namespace."""
    return ["nsenter", f"--net={NAMESPACES / namespace}"]


def inside(namespace: str, action: Callable[[], T]) -> T:
    """What `action` gives when it runs in the namespace; a socket that it makes stays there for good.

    It runs in a thread of its own, because a namespace belongs to a thread: nothing leaks into the caller's.
    """

    def enter_and_act() -> T:
        where = os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if _libc.setns(where, _CLONE_NEWNET) != 0:
                raise Refused(f"the namespace {namespace} cannot be entered: {os.strerror(ctypes.get_errno())}")
        finally:
            os.close(where)
        return action()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(enter_and_act).result()


def _run(words: list[str], text: str = "", *, quiet: bool = False) -> str:
    done = subprocess.run(words, input=text, text=True, capture_output=True, check=False)
    if done.returncode and not quiet:
        raise Refused(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
