"""`trunkline exposures` beside a journal: what agrees, what differs; and `trunkline sweep --watch`."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_tools import Command, FakeAccount, exposure

from trunkline import during
from trunkline.cli import watch as service
from trunkline.clouds.cloud import Exposure
from trunkline.config import load
from trunkline.durable import runs

Accounts = dict[str, FakeAccount]


def owe(run: str, *, closes: bool = False, scope: str = "api-access") -> Path:
    """A run in the journal of the configuration whose scope is still owed, or was closed."""

    def close(state: Any) -> None:
        if not closes:
            raise OSError("the cloud does not answer")

    file = load(None).home / "journal.db"
    steps = [during(scope, open=lambda s: None, close=close, steps=[("in", lambda s: None)])]
    try:
        runs.pipe({}, steps, journal=file, run=run)
    except OSError:
        assert not closes
    return file


def test_what_a_dead_run_owes_stands_beside_the_rule_and_differences_are_marked(
    trunkline: Command, accounts: Accounts
) -> None:
    owe("acme")  # the clouds show rules of it
    owe("gone")  # and none of this one
    owe("other", closes=True)  # the clouds show one, and the journal says closed
    answer = trunkline("exposures")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0].split()[-1] == "journal"
    assert sum("acme" in line and "whose process is gone" in line for line in lines) == 2
    (other,) = [line for line in lines if " other " in line]
    assert other.endswith("DIFFERS: the journal says closed")
    (gone,) = [line for line in lines if line.startswith("DIFFERS: gone: api-access is owed since")]
    assert gone.endswith("the clouds show no rule")
    assert "`trunkline sweep` on this machine closes what dead runs owe" in lines


def test_the_same_as_json(trunkline: Command, accounts: Accounts) -> None:
    owe("gone")
    owe("other", closes=True)
    result = json.loads(trunkline("exposures", "--json").out)
    assert {each["run"]: each["journal"] for each in result["exposures"]} == {"acme": "unknown", "other": "closed"}
    (owed,) = result["owed"]
    assert (owed["run"], owed["path"], owed["alive"], owed["in_clouds"]) == ("gone", "api-access", False, False)
    assert owed["user"]


def test_without_a_journal_the_clouds_alone_are_told_and_none_is_made(trunkline: Command, accounts: Accounts) -> None:
    result = json.loads(trunkline("exposures", "--json").out)
    assert {each["journal"] for each in result["exposures"]} == {None}
    assert not load(None).home.exists()


def test_a_journal_that_cannot_be_read_is_told_and_the_clouds_too(trunkline: Command, accounts: Accounts) -> None:
    owe("acme").write_bytes(b"no database at all" * 100)
    answer = trunkline("exposures")
    assert (answer.code, "exposed now: 3" in answer.out) == (0, True)
    assert "warning: the journal was not asked" in answer.err


def stops_after(rounds: int) -> Callable[[FakeAccount], list[Exposure]]:
    """`exposures` of an account that tells the process to stop when it is asked for the `rounds`th time."""
    asked = [0]

    def exposures(account: FakeAccount) -> list[Exposure]:
        asked[0] += 1
        if asked[0] == rounds:
            os.kill(os.getpid(), signal.SIGTERM)
        if asked[0] == 1:
            raise OSError("no route to the cloud")
        return list(account.open)

    return exposures


def test_watching_goes_on_after_errors_and_ends_clean_on_sigterm(
    trunkline: Command, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    accounts["B"].trouble = True
    monkeypatch.setattr(accounts["A"], "exposures", stops_after(4).__get__(accounts["A"]))
    answer = trunkline("sweep", "--watch", "0.01", "--json")
    assert answer.code == 0, answer.err
    head, *rounds = map(json.loads, answer.out.splitlines())
    assert head == {"format": "trunkline.sweeps", "version": "1.0"}
    assert sorted(rounds[0]["errors"]) == ["A", "B"]
    assert [[each["run"] for each in one["closed"]] for one in rounds] == [[], ["acme"], []]
    assert [one["errors"] for one in rounds[1:]] == [{"B": "account B: the token has expired"}] * 2
    assert signal.getsignal(signal.SIGTERM) is before


def test_watching_for_people_and_an_account_that_cannot_be_opened(
    trunkline: Command, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts["A"], "exposures", stops_after(3).__get__(accounts["A"]))
    del accounts["B"]
    answer = trunkline("sweep", "--watch", "0.01")
    assert answer.code == 0, answer.err
    assert answer.out == "closed tcp/8000 from 198.51.100.7/32 in sg-1 of A, of run acme\n"
    assert answer.err.startswith("sweeping A and B every 0.01 s\n")
    assert "warning: B: 'B'" in answer.err
    assert "warning: A: no route to the cloud" in answer.err


def test_an_account_that_hangs_is_left_to_the_next_round(
    trunkline: Command, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    never = threading.Event()
    monkeypatch.setattr(service, "LIMIT", 0.1)
    monkeypatch.setattr(accounts["B"], "exposures", lambda: never.wait(30) or [])
    monkeypatch.setattr(accounts["A"], "exposures", stops_after(4).__get__(accounts["A"]))
    answer = trunkline("sweep", "--watch", "0.01")
    never.set()
    assert answer.code == 0, answer.err
    assert "warning: B: no answer within 0.1 s" in answer.err
    assert runs_of(accounts["A"]) == []


def runs_of(account: FakeAccount) -> list[str]:
    return [each.run for each in account.open]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--watch", "0"], "--watch: 0: give seconds, more than 0"),
        (["--watch", "9", "--dry-run"], "stands against --dry-run"),
        (["--watch", "9", "--account", "Z"], "'Z'"),
    ],
)
def test_what_cannot_be_watched_is_told_at_once(
    trunkline: Command, accounts: Accounts, words: list[str], said: str
) -> None:
    answer = trunkline("sweep", *words)
    assert (answer.code, said in answer.err) == (64, True), answer.err


def test_what_an_account_that_fell_silent_had_open_is_not_said_to_be_closed(
    trunkline: Command, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = FakeAccount.close

    def closes_and_falls_silent(account: FakeAccount, found: Exposure) -> None:
        close(account, found)
        account.trouble = True

    monkeypatch.setattr(FakeAccount, "close", closes_and_falls_silent)
    accounts["B"].open = [exposure("B", "new", 5)]
    answer = trunkline("sweep")
    assert (answer.code, "closed: nothing" in answer.out) == (3, True)
