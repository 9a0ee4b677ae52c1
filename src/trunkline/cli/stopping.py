"""How a command is stopped: Ctrl-C, SIGTERM and SIGHUP are one thing, and how long the end may take."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.views.choose import in_ci

# Seconds. A CI that cancels sends SIGINT, 7.5 s later SIGTERM, and kills 2.5 s after that: there the end must be short.
GRACE, GRACE_IN_CI = 30.0, 5.0
ASK = 1.5  # how long the clouds are asked at the end of a run that was told to stop


def grace() -> float:
    """How long what is in flight and what stands open may take to end, once a run is told to stop; seconds."""
    return GRACE_IN_CI if in_ci() else GRACE


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP stop a run as Ctrl-C does: what is in flight ends, what stands open is closed.

    A shell starts `trunkline up ... &` with SIGINT ignored; it must be heard here, or nothing could stop such a run.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGINT: signal.getsignal(signal.SIGINT)}
    if before[signal.SIGINT] is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup's wish is honoured
            before[number] = signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hear_no_interrupt() -> None:
    """One who presses Ctrl-C three times still wants to know how it ended; time limits bound that."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # until termination_as_interrupt puts it back
