"""`trunkline sweep`: what stands open for a time, and its closing, by what the clouds say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from trunkline._core.errors import Error
from trunkline.cli import say
from trunkline.cli.exits import Exit
from trunkline.config import Config, load
from trunkline.views.words import duration

if TYPE_CHECKING:
    from trunkline.clouds.cloud import Account, Exposure

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What the clouds answered: the exposures, whom we asked, and who could not answer."""

    exposures: list[Exposure]
    asked: list[str]
    errors: dict[str, Exception]


def ask(accounts: Iterable[Account], *, run: str | None = None, limit: float | None = None) -> Found:
    """Ask the accounts side by side what temporary access they have now; with `run` only that run's.

    Parameters:
        limit: Seconds after which an account that has not answered counts as one that cannot.
    """
    accounts = list(accounts)
    answers, errors = side_by_side(accounts, lambda account: account.exposures(), limit)
    exposures = [each for answer in answers.values() for each in answer if run in (None, each.run)]
    asked = [account.name for account in accounts if account.name in answers]
    return Found(sorted(exposures, key=lambda each: (each.account, each.opened, each.group)), asked, errors)


@dataclass(frozen=True)
class Swept:
    """What a sweep found, what of it was due and closed, what stands open after all, and what went wrong where."""

    found: Found
    due: list[Exposure]
    closed: list[Exposure]
    left: list[Exposure]
    errors: dict[str, Exception]


def sweep_once(
    accounts: Sequence[Account], *, run: str | None, dry_run: bool = False, limit: float | None = None
) -> Swept:
    """Close what has expired, or all of `run`'s, and look again.

    Parameters:
        dry_run: Close nothing.
        limit: Seconds after which an account that has not answered is left.
    """
    found = ask(accounts, run=run, limit=limit)
    now = datetime.now(UTC)
    due = [each for each in found.exposures if run is not None or each.expires <= now]
    if not due or dry_run:
        return Swept(found, due, [], [], found.errors)
    errors = found.errors | _close(due, accounts, limit)
    again = ask(accounts, run=run, limit=limit)
    left = [each for each in again.exposures if any(_same(each, one) for one in due)]
    # Of an account that could not be asked again nobody knows; it is not said to be closed.
    closed = [each for each in due if each.account in again.asked and not any(_same(each, one) for one in left)]
    return Swept(found, due, closed, left, errors | again.errors)


def sweep(
    config: Path | None, names: Sequence[str], *, run: str | None, dry_run: bool, as_json: bool, debug: bool
) -> int:
    """Sweep once; NEEDS_HANDS when something stands open after all, or an account could not be asked."""
    swept = sweep_once(accounts_of(load(config), names), run=run, dry_run=dry_run)
    due, asked = swept.due, say.joined(swept.found.asked)
    if as_json:
        say.result(
            {
                "version": "1.0",
                "due": [described(each) for each in due],
                "closed": [described(each) for each in swept.closed],
                "left": [described(each) for each in swept.left],
                "errors": {name: str(error) for name, error in swept.errors.items()},
            }
        )
    else:
        _show(due)
        verb, count = ("would be closed", len(due)) if dry_run else ("closed", len(swept.closed))
        kept = len(swept.found.exposures) - len(due)
        more = f"; {kept} not yet expired (trunkline exposures)" if kept else ""
        say.out(f"{verb}: {count or 'nothing'}{more} (asked {asked})")
    tell(swept.errors, debug)
    if swept.left or swept.errors:
        return Exit.NEEDS_HANDS
    return Exit.CHANGES if dry_run and due else Exit.DONE


def described(exposure: Exposure) -> dict[str, Any]:
    """An exposure as plain values."""
    return {
        "account": exposure.account,
        "group": exposure.group,
        "protocol": exposure.rule.protocol,
        "port": exposure.rule.port,
        "source": exposure.rule.source,
        "run": exposure.run,
        "purpose": exposure.purpose,
        "opened": exposure.opened.isoformat(),
        "expires": exposure.expires.isoformat(),
        "expired": exposure.expires <= datetime.now(UTC),
        "handle": exposure.handle,
    }


def accounts_of(config: Config, names: Sequence[str]) -> list[Account]:
    """The accounts of these names; of all names without any."""
    return [config.account(name) for name in (names or config.accounts)]


def side_by_side(
    accounts: Sequence[Account], verb: Callable[[Account], T], limit: float | None = None
) -> tuple[dict[str, T], dict[str, Exception]]:
    """What `verb` answers for each account by name, and what it raised."""
    answers, errors = dict[str, T](), dict[str, Exception]()

    def work(account: Account) -> None:
        try:
            answers[account.name] = verb(account)
        except Exception as error:
            errors[account.name] = error

    # Daemons, because one that hangs must not keep a process that is to end.
    threads = {each.name: threading.Thread(target=work, args=(each,), daemon=True) for each in accounts}
    for thread in threads.values():
        thread.start()
    end = None if limit is None else time.monotonic() + limit
    for thread in threads.values():
        thread.join(None if end is None else max(0.0, end - time.monotonic()))
    silent = [name for name in threads if name not in answers and name not in errors]
    return dict(answers), errors | {name: Error(f"no answer within {limit} s") for name in silent}


def _close(due: Sequence[Exposure], accounts: Sequence[Account], limit: float | None) -> dict[str, Exception]:
    """Close the exposures, the accounts side by side; one that fails does not keep the others open."""

    def close(account: Account) -> None:
        failed: list[Exception] = []
        for exposure in due:
            if exposure.account == account.name:
                try:
                    account.close(exposure)
                except Exception as error:
                    failed.append(error)
        if failed:
            raise failed[0]

    return side_by_side(accounts, close, limit)[1]


def _same(one: Exposure, other: Exposure) -> bool:
    # A cloud may give a rule a new handle; what it exposes and for whom is what counts.
    return (one.account, one.group, one.rule, one.run, one.purpose) == (
        other.account,
        other.group,
        other.rule,
        other.run,
        other.purpose,
    )


def _show(exposures: Sequence[Exposure]) -> None:
    if not exposures:
        return
    now = datetime.now(UTC)
    rows = [
        (each.account, each.group, str(each.rule), each.run, each.purpose, _until(each.expires, now))
        for each in exposures
    ]
    say.table(rows, ("account", "group", "permits", "run", "purpose", "expires"))


def _until(expires: datetime, now: datetime) -> str:
    seconds = (expires - now).total_seconds()
    return f"in {duration(seconds)}" if seconds > 0 else f"EXPIRED {duration(-seconds)} ago"


def tell(errors: dict[str, Exception], debug: bool) -> None:
    """Say what went wrong with each account."""
    for name, error in errors.items():
        say.line(f"account {name}:")
        say.failure(error, debug=debug)
