"""`trunkline up`: options from the signature, the summary, and every exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_tools import Command, FakeAccount, exposure

from trunkline.clouds.cloud import Exposure
from trunkline.config import load


def test_options_come_from_the_signature(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline(
        "up", f"{pipelines}:deploy", "--cidr", "10.1.0.0/16", "--size", "big", "--zone=b", "--count", "3", "--dry",
        "--names", "x", "--names", "y", "--gateway", "10.1.0.1", "--path", "/p", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    result = json.loads(answer.out)
    run = result["run"]
    assert result["outputs"] == {
        "run": run, "cidr": "10.1.0.0/16", "size": "big", "zone": "b", "count": 3, "dry": True, "names": ["x", "y"],
        "gateway": "10.1.0.1", "path": "/p", "inner": {"api_token": "(hidden)"}, "admin_password": "(hidden)",
    }  # fmt: skip
    assert result["outcome"] == "done"
    assert result["exposed_now"] == []


def test_defaults_and_options_that_may_be_left_out(trunkline: Command, pipelines: Path) -> None:
    outputs = json.loads(trunkline("up", f"{pipelines}:deploy", "--cidr", "10.1.0.0/16", "--json").out)["outputs"]
    assert (outputs["size"], outputs["names"], outputs["gateway"]) == ("small", None, None)


def test_the_same_call_is_the_same_run_and_another_is_another(trunkline: Command, pipelines: Path) -> None:
    def run(*words: str) -> str:
        return str(json.loads(trunkline("up", f"{pipelines}:deploy", *words, "--json").out)["run"])

    first = run("--cidr", "10.1.0.0/16")
    assert first.startswith("deploy-")
    assert run("--count", "2", "--cidr", "10.1.0.0/16") == first
    assert run("--cidr", "10.2.0.0/16") != first
    assert run("--cidr", "10.1.0.0/16", "--name", "acme") == "acme"


def test_the_help_shows_the_pipelines_own_options_and_words(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", f"{pipelines}:deploy", "--help")
    assert answer.code == 0
    words = " ".join(answer.out.split())
    assert "Deploy a network." in words
    assert "--cidr CIDR Its block, as a prefix. [required]" in words
    assert "How big, and where." in words
    assert "--dry / --no-dry" in words
    assert "--config FILE" in words


def test_common_options_may_stand_before_the_pipeline(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "--json", "--name", "acme", "--progress=quiet", f"{pipelines}:plain")
    assert (answer.code, json.loads(answer.out)["run"], answer.err) == (0, "acme", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["deploy", "--cidr", "10.1.0.5/16"], "did you mean 10.1.0.0/16?"),
        (["deploy", "--cidr", "ten"], "'ten' is no IPv4 prefix"),
        (["deploy", "--cidr", "10.1.0.0/16", "--gateway", "10.1"], "'10.1' is no IPv4 address"),
        (["deploy", "--cidr", "10.1.0.0/16", "--zone", "c"], "'c' is not one of 'a', 'b'"),
        (["deploy", "--cidr", "10.1.0.0/16", "--count", "many"], "'--count': 'many': input should be a valid integer"),
        (["plain", "--name", ""], "--name '' is no name"),
        (["deploy"], "Missing option '--cidr'"),
        (["deploy", "--cird", "10.1.0.0/16"], "No such option: --cird (Possible options: --cidr)"),
        (["deploi"], "did you mean 'deploy'?"),
        (["_private_thing"], "the functions in pipelines.py are:"),
        (["plain", "--progress", "loud"], "--progress='loud' is not known"),
        (["connected", "--first", "A"], "no configuration"),
        (["plain", "--config", "gone.toml"], "gone.toml (from --config) is not a file"),
    ],
)
def test_what_is_typed_wrongly_is_a_usage_error(
    trunkline: Command, pipelines: Path, words: list[str], said: str
) -> None:
    name, *rest = words
    answer = trunkline("up", f"pipelines.py:{name}", *rest)
    assert answer.code == 64, answer.err
    assert said in answer.err
    assert answer.err.startswith("error: ")
    assert answer.out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up"], "Missing argument 'PIPELINE'"),
        (["up", "conect-vpc"], "did you mean 'connect-vpc'?"),
        (["up", "gone.py:deploy"], "gone.py is not there"),
        (["up", "gone:deploy"], "file gone is not there"),
        (["up", "pipelines.py"], "which function of it?"),
        (["up", "--cidr", "10.1.0.0/16", "pipelines.py:deploy"], "--cidr stands before the pipeline"),
        (["upp"], "No such command 'upp'"),
        (["sweep", "--rn", "x"], "No such option: --rn"),
        (["exposures", "more"], "unexpected extra argument"),
    ],
)
def test_other_usage_errors(trunkline: Command, pipelines: Path, words: list[str], said: str) -> None:
    answer = trunkline(*words)
    assert (answer.code, answer.out) == (64, "")
    assert said in answer.err
    assert "hint: " in answer.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong", "returned str"),
        ("odd", "no option can have the type of its parameter 'thing'"),
        ("hides", "its parameter 'name' hides --name"),
    ],
)
def test_a_pipeline_written_wrongly_is_explained(trunkline: Command, pipelines: Path, name: str, said: str) -> None:
    answer = trunkline("up", f"pipelines.py:{name}")
    assert answer.code == 64
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_an_error_before_anything_runs(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "pipelines.py:refuses", "--cidr", "10.0.0.0/16")
    assert answer.code == 64
    assert answer.err == ("error: 10.0.0.0/16 overlaps 10.0.0.0/16 of the datacentre\nhint: choose another block\n")


def test_a_wrong_wiring_is_refused_before_anything_runs(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "pipelines.py:unwired")
    assert answer.code == 1
    assert "needs the key 'vpc_cidr', which nothing gives" in answer.err
    assert "did you mean 'vpc_cdr'?" in answer.err
    assert "begins" not in answer.err


def test_a_failure_says_what_where_and_how_to_go_on(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "pipelines.py:fails", "--how", "known", "--progress", "quiet")
    assert (answer.code, answer.out) == (1, "")
    *said, resume, undo = answer.err.splitlines()
    assert said == [
        "error: the stack rolled back (in step access/bad)",
        "hint: look at its events",
        "  access (tcp/8000 from 198.51.100.7/32): closed after 0.0 s",
    ]
    run = resume.rpartition(" ")[2]
    assert run.startswith("fails-")
    assert (resume, undo) == (f"resume:     trunkline resume {run}", f"take back:  trunkline undo {run}")


def test_a_failure_as_json(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "pipelines.py:fails", "--json", "--progress", "json")
    assert answer.code == 1
    result = json.loads(answer.out)
    assert (result["outcome"], result["exit"]) == ("failed", 1)
    assert result["error"]["message"] == "no route\nsecond line"
    assert result["access"][0]["closed"] is True
    assert json.loads(answer.err.splitlines()[0]) == {"format": "trunkline.events", "version": "1.1"}


def test_failures_side_by_side_are_all_told(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "pipelines.py:fails", "--how", "twice", "--progress", "quiet")
    assert answer.code == 1
    assert "error: ValueError: no route\nsecond line (in step access/bad/bad)" in answer.err
    assert "error: OSError: no disk (in step access/bad/worse)" in answer.err


def test_a_traceback_only_when_asked_for(trunkline: Command, pipelines: Path) -> None:
    assert "Traceback" not in trunkline("up", "pipelines.py:fails").err
    assert "Traceback" in trunkline("up", "pipelines.py:fails", "--debug").err


def test_what_could_not_be_closed_needs_hands(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "pipelines.py:stuck", "--name", "acme", "--progress", "quiet")
    assert answer.code == 3
    assert "access (tcp/8000 from 198.51.100.7/32): NOT CLOSED: the cloud does not answer" in answer.err
    assert answer.err.endswith("close it:   trunkline sweep --run acme\n")


def test_the_summary_asks_the_clouds_of_the_run(
    trunkline: Command, pipelines: Path, accounts: dict[str, FakeAccount]
) -> None:
    words = ("up", "pipelines.py:connected", "--first", "A", "--name", "mine", "--progress", "quiet")
    answer = trunkline(*words)
    assert answer.code == 0, answer.err
    assert 'accounts  ["A", null]' in answer.out
    assert "caller    198.51.100.7/32" in answer.out
    assert "left" not in answer.out, "data is no output"
    assert "access (tcp/8000 from 198.51.100.7/32): closed after 0.0 s" in answer.out
    assert answer.out.endswith("Exposed now: nothing (asked A)\n")
    assert "198.51.100.9/32" in trunkline(*words, "--from", "198.51.100.9").out
    refused = trunkline(*words, "--from", "0.0.0.0/0")
    assert (refused.code, "0.0.0.0/0 would open the API to the whole internet" in refused.err) == (64, True)


def test_what_the_clouds_still_show_open_needs_hands(
    trunkline: Command, pipelines: Path, accounts: dict[str, FakeAccount]
) -> None:
    accounts["A"].open.append(exposure("A", "mine", 10))
    answer = trunkline("up", "pipelines.py:connected", "--first", "A", "--name", "mine", "--progress", "quiet")
    assert answer.code == 3
    assert "OPEN: tcp/8000 from 198.51.100.7/32 in sg-1 of A" in answer.err
    assert "trunkline sweep --run mine" in answer.err
    accounts["A"].trouble = True
    answer = trunkline("up", "pipelines.py:connected", "--first", "A", "--name", "mine", "--progress", "quiet")
    assert answer.code == 3, "nobody can tell that it is closed"
    assert "account A could not be asked what is exposed" in answer.err


def test_an_account_that_is_not_configured(
    trunkline: Command, pipelines: Path, accounts: dict[str, FakeAccount]
) -> None:
    answer = trunkline("up", "pipelines.py:connected", "--first", "C")
    assert answer.code == 64
    assert "error: --first C: " in answer.err
    assert "hint: the accounts are: A, B" in answer.err


def test_two_at_once_of_one_name_are_refused(
    trunkline: Command, pipelines: Path, accounts: dict[str, FakeAccount]
) -> None:
    home = load(None).home
    program = (
        "import sys; from trunkline.durable.journal import Journal\n"
        "Journal(sys.argv[1]).hold('mine'); print(flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(home / "journal.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout is not None
        other.stdout.readline()
        words = ("up", "pipelines.py:connected", "--first", "A", "--progress", "quiet", "--name")
        refused, fine = trunkline(*words, "mine"), trunkline(*words, "yours")
        other.kill()
    assert (refused.code, f"run mine is held by process {other.pid}" in refused.err) == (4, True), refused.err
    assert fine.code == 0, fine.err
    assert trunkline(*words, "mine").code == 0


def test_what_an_opening_that_failed_noted_is_not_told_as_open(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("up", "pipelines.py:half", "--progress", "quiet")
    assert answer.code == 1
    assert "access (was not fully open): closed after" in answer.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ignored", [False, True])
def test_an_interrupt_closes_what_is_open(pipelines: Path, number: signal.Signals, ignored: bool) -> None:
    """Also in the background of a script, where a shell starts commands with SIGINT ignored."""

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline.cli", "up", f"{pipelines}:slow", "--progress", "quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=ignore if ignored else None,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "error: interrupted\n" in err
    assert "access (tcp/8000 from 198.51.100.7/32): closed after" in err
    assert "resume:     trunkline resume slow-" in err
    assert "Traceback" not in err


def test_interrupts_after_the_end_do_not_keep_it_from_being_told(
    trunkline: Command, pipelines: Path, accounts: dict[str, FakeAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exposures(account: FakeAccount) -> list[Exposure]:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.05)
        return []

    monkeypatch.setattr(FakeAccount, "exposures", exposures)
    before = signal.getsignal(signal.SIGINT)
    answer = trunkline("up", "pipelines.py:connected", "--first", "A", "--progress", "quiet")
    assert answer.code == 0, answer.err
    assert "Exposed now: nothing (asked A)" in answer.out
    assert signal.getsignal(signal.SIGINT) is before
