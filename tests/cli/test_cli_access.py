"""`trunkline exposures` and `trunkline sweep`: by what the clouds say."""

from __future__ import annotations

import json

import pytest
from cli_tools import Command, FakeAccount, exposure

Accounts = dict[str, FakeAccount]


def runs(account: FakeAccount) -> list[str]:
    return [each.run for each in account.open]


def test_exposures_are_shown_with_run_purpose_and_expiry(trunkline: Command, accounts: Accounts) -> None:
    answer = trunkline("exposures")
    assert answer.code == 0
    head, *rows, last = answer.out.splitlines()
    assert head.split() == ["account", "group", "permits", "run", "purpose", "since", "expires"]
    assert len(rows) == 3
    assert "tcp/8000 from 198.51.100.7/32" in rows[0]
    assert "EXPIRED" in rows[0]
    assert sum(" in 9:" in row or " in 10:" in row for row in rows) == 1
    assert last == "exposed now: 3 (asked A and B)"


def test_exposures_as_json_and_of_one_account(trunkline: Command, accounts: Accounts) -> None:
    result = json.loads(trunkline("exposures", "--account", "A", "--json").out)
    assert result["asked"] == ["A"]
    (one,) = result["exposures"]
    assert (one["account"], one["run"], one["port"], one["source"], one["expired"]) == (
        "A", "acme", 8000, "198.51.100.7/32", True,
    )  # fmt: skip


def test_an_account_that_does_not_answer_is_told_and_the_others_are_shown(
    trunkline: Command, accounts: Accounts
) -> None:
    accounts["A"].trouble = True
    answer = trunkline("exposures")
    assert answer.code == 1
    assert "exposed now: 2 (asked B)" in answer.out
    assert "account A: the token has expired" in answer.err
    assert "hint: log in again" in answer.err


def test_sweep_closes_what_has_expired(trunkline: Command, accounts: Accounts) -> None:
    answer = trunkline("sweep")
    assert answer.code == 0
    assert (runs(accounts["A"]), runs(accounts["B"])) == ([], ["acme"])
    assert answer.out.splitlines()[-1] == "closed: 2; 1 not yet expired (trunkline exposures) (asked A and B)"
    assert trunkline("sweep").out == "closed: nothing; 1 not yet expired (trunkline exposures) (asked A and B)\n"


def test_sweep_of_a_run_closes_all_of_it_and_nothing_else(trunkline: Command, accounts: Accounts) -> None:
    assert trunkline("sweep", "--run", "acme").code == 0
    assert (runs(accounts["A"]), runs(accounts["B"])) == ([], ["other"])


def test_a_dry_run_closes_nothing_and_says_by_its_code_that_it_would(trunkline: Command, accounts: Accounts) -> None:
    answer = trunkline("sweep", "--dry-run", "--json")
    assert answer.code == 2
    result = json.loads(answer.out)
    assert (len(result["due"]), result["closed"]) == (2, [])
    assert (runs(accounts["A"]), runs(accounts["B"])) == (["acme"], ["acme", "other"])
    accounts["A"].open, accounts["B"].open = [], []
    assert trunkline("sweep", "--dry-run").code == 0


def test_what_cannot_be_closed_needs_hands_and_keeps_no_other_open(trunkline: Command, accounts: Accounts) -> None:
    accounts["A"].stubborn = True
    answer = trunkline("sweep", "--json")
    assert answer.code == 3
    assert "error: not allowed" in answer.err
    result = json.loads(answer.out)
    assert [each["account"] for each in result["left"]] == ["A"]
    assert [each["account"] for each in result["closed"]] == ["B"]


def test_a_close_that_reports_well_and_does_nothing_is_seen(
    trunkline: Command, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts["A"], "close", lambda one: None)
    assert trunkline("sweep").code == 3


def test_sweep_when_an_account_does_not_answer(trunkline: Command, accounts: Accounts) -> None:
    accounts["A"].trouble = True
    assert trunkline("sweep").code == 3
    assert runs(accounts["B"]) == ["acme"], "the others are swept all the same"


def test_an_unknown_account_is_a_usage_error(trunkline: Command, accounts: Accounts) -> None:
    answer = trunkline("exposures", "--account", "C")
    assert answer.code == 64
    assert "hint: the accounts are: A, B" in answer.err


def test_without_a_configuration(trunkline: Command) -> None:
    for verb in ("exposures", "sweep"):
        answer = trunkline(verb)
        assert answer.code == 64
        assert "TRUNKLINE_CONFIG" in answer.err


def test_two_exposures_of_one_rule_are_two(trunkline: Command, accounts: Accounts) -> None:
    accounts["A"].open = [exposure("A", "one", -1), exposure("A", "two", 5)]
    trunkline("sweep", "--account", "A")
    assert runs(accounts["A"]) == ["two"]
