"""`trunkline sweep --watch`: sweeping as a service. What goes wrong in one round is told, and the next one comes."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.cli import journals, say
from trunkline.cli.access import Swept, described, sweep_once
from trunkline.cli.exits import Exit
from trunkline.config import Config, load

if TYPE_CHECKING:
    from trunkline.clouds.cloud import Account

FORMAT = {"format": "trunkline.sweeps", "version": "1.0"}
LIMIT = 30.0  # seconds after which an account that does not answer is left to the next round


def watch(config: Path | None, names: Sequence[str], *, every: float, run: str | None, as_json: bool) -> int:
    """Sweep now and every `every` seconds, until SIGTERM or Ctrl-C; the round at work is ended then.

    Raises:
        ConfigError: The configuration is wrong as it begins; later rounds go by what was read then.
    """
    settings = load(config)
    wanted = list(names or settings.accounts)
    unknown = [name for name in wanted if name not in settings.accounts]
    if unknown:
        settings.account(unknown[0])  # raises, and says which there are
    with _told_to_stop() as stop:
        if as_json:
            say.out(json.dumps(FORMAT))
        else:
            say.line(f"sweeping {say.joined(wanted)} every {every:g} s")
        while not stop.is_set():
            _round(settings, config, wanted, run, as_json)
            stop.wait(every)
    return Exit.DONE


def _round(settings: Config, config: Path | None, names: Sequence[str], run: str | None, as_json: bool) -> None:
    accounts: list[Account] = []
    errors: dict[str, Exception] = {}
    for name in names:
        try:
            accounts.append(settings.account(name))
        except Exception as error:  # its credentials may be back in the next round
            errors[name] = error
    try:
        journals.pay_dead(config, run)
    except Exception as error:
        errors["journal"] = error
    swept = sweep_once(accounts, run=run, limit=LIMIT)
    errors |= swept.errors
    if as_json:
        say.out(json.dumps(_line(swept, errors), ensure_ascii=False, default=str))
        return
    for each in swept.closed:
        say.out(f"closed {each.rule} in {each.group} of {each.account}, of run {each.run}")
    for each in swept.left:
        say.error(f"{each.rule} in {each.group} of {each.account} stands open after all, of run {each.run}")
    for name, raised in errors.items():
        say.warning(f"{name}: {raised}", say.hint_of(raised))


def _line(swept: Swept, errors: dict[str, Exception]) -> dict[str, object]:
    return {
        "at": time.time(),
        "asked": swept.found.asked,
        "open": len(swept.found.exposures),
        "closed": [described(each) for each in swept.closed],
        "left": [described(each) for each in swept.left],
        "errors": {name: str(error) for name, error in errors.items()},
    }


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that is set by SIGTERM, SIGHUP and Ctrl-C."""
    stop = threading.Event()
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
