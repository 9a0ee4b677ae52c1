"""`trunkline exposures` and `trunkline sweep`: what stands open for a time, and its closing, by what the clouds say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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


def ask(accounts: Iterable[Account], *, run: str | None = None) -> Found:
    """Ask the accounts side by side what temporary access they have now; with `run` only that run's."""
    accounts = list(accounts)
    answers, errors = side_by_side(accounts, lambda account: account.exposures())
    exposures = [each for answer in answers.values() for each in answer if run in (None, each.run)]
    return Found(sorted(exposures, key=lambda each: (each.account, each.opened, each.group)), [*answers], errors)


def exposures(config: Path | None, names: Sequence[str], *, as_json: bool, debug: bool) -> int:
    """Show what is exposed now; FAILED when an account could not be asked."""
    found = ask(_accounts(load(config), names))
    if as_json:
        say.result(
            {
                "version": "1.0",
                "exposures": [described(each) for each in found.exposures],
                "asked": found.asked,
                "not_asked": {name: str(error) for name, error in found.errors.items()},
            }
        )
    else:
        _show(found.exposures)
        say.out(f"exposed now: {len(found.exposures) or 'nothing'} (asked {say.joined(found.asked)})")
    _tell(found.errors, debug)
    return Exit.FAILED if found.errors else Exit.DONE


def sweep(
    config: Path | None, names: Sequence[str], *, run: str | None, dry_run: bool, as_json: bool, debug: bool
) -> int:
    """Close what has expired, or all of `run`'s, and look again; NEEDS_HANDS when something stands open after all."""
    accounts = {account.name: account for account in _accounts(load(config), names)}
    found = ask(accounts.values(), run=run)
    now = datetime.now(UTC)
    due = [each for each in found.exposures if run is not None or each.expires <= now]
    left: list[Exposure] = []
    errors = dict(found.errors)
    if due and not dry_run:
        errors |= _close(due, accounts)
        again = ask(accounts.values(), run=run)
        errors |= again.errors
        left = [each for each in again.exposures if any(_same(each, one) for one in due)]
    closed = [] if dry_run else [each for each in due if each not in left]
    if as_json:
        say.result(
            {
                "version": "1.0",
                "due": [described(each) for each in due],
                "closed": [described(each) for each in closed],
                "left": [described(each) for each in left],
                "errors": {name: str(error) for name, error in errors.items()},
            }
        )
    else:
        _show(due)
        verb = "would be closed" if dry_run else "closed"
        kept = len(found.exposures) - len(due)
        more = f"; {kept} not yet expired (trunkline exposures)" if kept else ""
        say.out(
            f"{verb}: {(len(due) if dry_run else len(closed)) or 'nothing'}{more} (asked {say.joined(found.asked)})"
        )
    _tell(errors, debug)
    if left or errors:
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


def _accounts(config: Config, names: Sequence[str]) -> list[Account]:
    return [config.account(name) for name in (names or config.accounts)]


def side_by_side(
    accounts: Sequence[Account], verb: Callable[[Account], T]
) -> tuple[dict[str, T], dict[str, Exception]]:
    """What `verb` answers for each account by name, and what it raised."""
    answers, errors = dict[str, T](), dict[str, Exception]()
    with ThreadPoolExecutor(max_workers=max(len(accounts), 1)) as threads:
        asked = {account.name: threads.submit(verb, account) for account in accounts}
    for name, future in asked.items():
        try:
            answers[name] = future.result()
        except Exception as error:
            errors[name] = error
    return answers, errors


def _close(due: Sequence[Exposure], accounts: dict[str, Account]) -> dict[str, Exception]:
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

    return side_by_side(list(accounts.values()), close)[1]


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


def _tell(errors: dict[str, Exception], debug: bool) -> None:
    for name, error in errors.items():
        say.line(f"account {name}:")
        say.failure(error, debug=debug)
