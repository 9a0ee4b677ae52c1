"""A lab as a process of its own: running it, starting it in the background, asking it, ending it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from .habits import Order
from .home import Home

START_SECONDS = 60.0
STOP_SECONDS = 10.0
_LOOK_AGAIN = 0.02
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class LabError(Exception):
    """The lab did not start, answer or end; `details` is the end of its log, `hint` what to do."""

    def __init__(self, message: str, details: str = "", *, hint: str = "") -> None:
        super().__init__(message)
        self.details, self.hint = details, hint


def run(home: Home, order: Order, *, ready: Callable[[dict[str, object]], None]) -> bool:
    """Run a lab in this process until it is told to end (POST /down, SIGTERM, SIGINT).

    Parameters:
        home: Its directory; removed at the end, but for the log when the lab fails.
        order: How it is to be.
        ready: Called with the status once everything answers.

    Returns:
        False when another process already runs this lab.
    """
    with home.held() as ours:
        if not ours:
            return False
        home.sweep()
        try:
            _run(home, order, ready)
        except BaseException:
            home.sweep()  # the log stays: whoever waits for this lab reads there why it failed
            raise
        home.remove()
    return True


def _run(home: Home, order: Order, ready: Callable[[dict[str, object]], None]) -> None:
    from .control import Control
    from .lab import Lab
    from .world import FAST, Pace

    for number in _SIGNALS:
        signal.signal(number, _end)
    pace = FAST if order.pace == "fast" else Pace()
    with (
        contextlib.suppress(_Over),
        Lab(
            pace=pace,
            routers=order.routers,
            directory=home.directory,
            seed=order.seed,
            habits=order.habits,
            packets=order.packets,
        ) as lab,
        Control(lab, lab.controllers.thread, lambda: os.kill(os.getpid(), signal.SIGTERM)) as control,
    ):
        home.write({"pid": os.getpid(), "control": control.endpoint, "token": control.token})
        ready(lab.status())
        while True:
            time.sleep(3600)


class _Over(BaseException):
    """Unwinds the main thread, at the start too, when the lab is told to end."""


def _end(*_: object) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # once is enough: a second one must not cut the clean stop short
    raise _Over


def start(home: Home, order: Order) -> bool:
    """Start a lab in the background and wait until it is ready.

    Returns:
        False when it was up already.

    Raises:
        LabError: It ended, or was not ready within START_SECONDS.
    """
    if home.alive():
        _wait_until_ready(home, None)
        return False
    with home.held() as ours:  # a dead one's word that it is ready must not be taken for the new one's
        if ours:
            home.sweep()
    words = [sys.executable, "-m", "trunkline_lab", "up", "--foreground", "--name", home.name, *order.words()]
    with open(home.log, "wb") as log:
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    try:
        _wait_until_ready(home, child)
    except BaseException:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
        raise
    return True


def _wait_until_ready(home: Home, child: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while home.read() is None or not home.alive():
        ended = not home.alive() and (child is None or child.poll() is not None)
        if ended or time.monotonic() > deadline:
            what = "ended before it was ready" if ended else f"was not ready within {START_SECONDS:.0f} s"
            raise LabError(f"lab {home.name} {what}", _tail(home))
        time.sleep(_LOOK_AGAIN)


class Refused(Exception):
    """The lab says no: what was asked for cannot be."""


def ask(
    home: Home, path: str, *, method: str = "GET", body: object = None, timeout: float = STOP_SECONDS
) -> dict[str, object]:
    """What the running lab answers at `path` of its control endpoint, to a body that goes as JSON.

    Raises:
        LabError: It does not answer.
        Refused: It does, and refuses.
    """
    state = home.read()
    if state is None:
        raise LabError(f"lab {home.name} is not ready")
    headers = {"Authorization": f"Bearer {state['token']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{state['control']}{path}", method=method, headers=headers, data=data)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy
    try:
        with opener.open(request, timeout=timeout) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 400:
            raise Refused(json.load(error)["refused"]) from None
        raise LabError(f"lab {home.name} answers {error.code}", _tail(home)) from error
    except (OSError, ValueError) as error:
        raise LabError(f"lab {home.name} does not answer: {error}", _tail(home)) from error
    return dict(found)


def stop(home: Home) -> bool:
    """End a lab and remove its directory; also what a dead one left.

    Returns:
        Whether one was running.

    Raises:
        LabError: It would not end.
    """
    running = home.alive()
    if running:
        with contextlib.suppress(LabError):
            ask(home, "/down", method="POST")
        if not _ended(home, STOP_SECONDS) and not _killed(home):
            raise LabError(f"lab {home.name} would not end", _tail(home))
    if home.directory.exists():
        with home.held() as ours:
            if ours:
                home.remove()
    return running


def _killed(home: Home) -> bool:
    """End the process that holds the lock, first kindly. Its number is current as long as the lock is held."""
    state = home.read()
    number = state.get("pid") if state else None
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if isinstance(number, int) and home.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, sign)
        if _ended(home, STOP_SECONDS / 2):
            return True
    return False


def _ended(home: Home, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while home.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN)
    return True


def _tail(home: Home, lines: int = 30) -> str:
    try:
        return "\n".join(home.log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
