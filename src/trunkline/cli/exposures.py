"""`trunkline exposures`: what stands open, by the clouds and the journal side by side; where they differ is marked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.cli import say
from trunkline.cli.access import accounts_of, ask, described, tell
from trunkline.cli.exits import Exit
from trunkline.cli.home import journal_file
from trunkline.cli.telling import time, whose
from trunkline.config import Config, load
from trunkline.durable import history
from trunkline.durable.errors import JournalError
from trunkline.durable.store import Store
from trunkline.views.words import duration

if TYPE_CHECKING:
    from trunkline.clouds.cloud import Exposure


@dataclass(frozen=True)
class Known:
    """What the journal of this machine says: the closings that runs owe, and which runs it knows at all."""

    owed: list[history.Owed]
    runs: frozenset[str]

    def of(self, exposure: Exposure) -> history.Owed | None:
        """The closing that is owed for a rule: it has the run's name and, as its purpose, the scope's."""
        for each in self.owed:
            if (each.run, each.path.rpartition("/")[2]) == (exposure.run, exposure.purpose):
                return each
        return None


def exposures(config: Path | None, names: Sequence[str], *, as_json: bool, debug: bool) -> int:
    """Show what is exposed now; FAILED when an account could not be asked."""
    settings = load(config)
    known = _journal(settings)
    found = ask(accounts_of(settings, names))
    matched = [known.of(each) if known else None for each in found.exposures]
    alone = [each for each in known.owed if each not in matched] if known else []
    if as_json:
        say.result(
            {
                "version": "1.1",
                "exposures": [{**described(each), "journal": _word(each, known)} for each in found.exposures],
                "owed": [{**each._asdict(), "in_clouds": each in matched} for each in (known.owed if known else [])],
                "asked": found.asked,
                "not_asked": {name: str(error) for name, error in found.errors.items()},
            }
        )
    else:
        _show(found.exposures, matched, known)
        _show_owed(alone)
        say.out(f"exposed now: {len(found.exposures) or 'nothing'} (asked {say.joined(found.asked)})")
    tell(found.errors, debug)
    return Exit.FAILED if found.errors else Exit.DONE


def _journal(config: Config) -> Known | None:
    """What this machine's journal says; None where there is none, or it cannot be read: the clouds tell anyway."""
    file = journal_file(config)
    if not file.exists():
        return None
    try:
        with closing(Store(file)) as store:
            names = frozenset(name for (name,) in store.query("SELECT DISTINCT run FROM log"))
            return Known(history.owed(store), names)
    except JournalError as error:
        say.warning(f"the journal was not asked: {error}", error.hint)
        return None


def _word(exposure: Exposure, known: Known | None) -> str | None:
    """How a rule stands in the journal: owed, closed (the two differ), or unknown; None without a journal."""
    if known is None:
        return None
    if known.of(exposure) is not None:
        return "owed"
    return "closed" if exposure.run in known.runs else "unknown"


def _show(found: Sequence[Exposure], matched: Sequence[history.Owed | None], known: Known | None) -> None:
    if not found:
        return
    now = datetime.now(UTC)
    rows = []
    for each, owed in zip(found, matched, strict=True):
        said: dict[str | None, str] = {
            None: "",
            "owed": f"owed by {_owner(owed)}" if owed else "",
            "closed": "DIFFERS: the journal says closed",
            "unknown": "not of this journal",
        }
        times = time(each.opened.timestamp()), until(each.expires, now)
        rows.append(
            [each.account, each.group, str(each.rule), each.run, each.purpose, *times, said[_word(each, known)]]
        )
    say.table(rows, ["account", "group", "permits", "run", "purpose", "since", "expires", "journal" if known else ""])


def _show_owed(alone: Sequence[history.Owed]) -> None:
    """Closings that are owed and of which the clouds show no rule: tokens and the like, or what was swept already."""
    for each in alone:
        differs, since = "" if each.alive else "DIFFERS: ", time(each.since)
        say.out(f"{differs}{each.run}: {each.path} is owed since {since} by {_owner(each)}; the clouds show no rule")
    dead = [each for each in alone if not each.alive]
    if any(not each.shut for each in dead):
        say.out("`trunkline sweep` on this machine closes what dead runs owe")
    for run in dict.fromkeys(each.run for each in dead if each.shut):
        say.out(
            f"`trunkline resume {run}` or `trunkline undo {run}` closes it: the way there is closed, and they open it"
        )


def _owner(owed: history.Owed) -> str:
    return f"{whose(owed.user, owed.host)}, {'at work' if owed.alive else 'whose process is gone'}"


def until(expires: datetime, now: datetime) -> str:
    """When a rule expires, from now."""
    seconds = (expires - now).total_seconds()
    return f"in {duration(seconds)}" if seconds > 0 else f"EXPIRED {duration(-seconds)} ago"
