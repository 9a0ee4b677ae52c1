"""Ctrl-C and SIGTERM on a real process: what is in flight ends, what stands open is closed, and nothing that hangs
keeps it. Times are the process's own grace, never this machine's speed: a hanging thing hangs for minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PIPELINES = Path(__file__).with_name("stopping_pipelines.py")
HANGS = 60.0  # seconds: whoever waited for what hangs would wait for 300


class Run:
    """`trunkline` in a process of its own, which is told to stop once something hangs."""

    def __init__(self, state: Path, *words: str, ci: bool = False) -> None:
        environment = {**os.environ, "XDG_STATE_HOME": str(state), "CI": "true" if ci else ""}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trunkline.cli", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self.lines: list[str] = []

    def until(self, word: str) -> Run:
        """Read its output up to the line `word`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if self.lines[-1] == word:
                return self
        raise AssertionError(self.process.communicate())

    def stop(self, number: signal.Signals = signal.SIGINT) -> Run:
        self.process.send_signal(number)
        return self

    def end(self) -> tuple[int, list[str], str, float]:
        """Its exit code, the lines and errors it wrote, and how long it took from now."""
        begun = time.monotonic()
        out, err = self.process.communicate(timeout=HANGS)
        assert "Traceback" not in err, err
        return self.process.returncode, self.lines + out.split("\n")[:-1], err, time.monotonic() - begun


@pytest.fixture
def up(tmp_path: Path) -> Callable[..., Run]:
    def start(name: str, *more: str, ci: bool = False) -> Run:
        return Run(tmp_path, "up", f"{PIPELINES}:{name}", "--name", "acme", *more, ci=ci)

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_flight_ends_and_both_scopes_are_closed(up: Callable[..., Run], number: signal.Signals) -> None:
    code, lines, err, _ = up("short_step").until("hanging").stop(number).end()
    assert code == 130, err
    assert lines[3:] == ["worked", "closing tokens", "closed tokens", "closing access", "closed access"]
    assert "resume:     trunkline resume acme" in err
    assert "close it:" not in err


def test_a_step_that_hangs_is_given_up_and_both_scopes_are_closed(up: Callable[..., Run]) -> None:
    code, lines, err, seconds = up("hanging_step", ci=True).until("hanging").stop().end()
    print(f"a hanging step, one signal, CI's grace: ended after {seconds:.1f} s")
    assert code == 130, err
    assert lines[3:] == ["closing tokens", "closed tokens", "closing access", "closed access"]


def test_what_a_step_raises_that_was_given_up_is_nobodys_business(up: Callable[..., Run]) -> None:
    code, lines, err, _ = up("fails_late", ci=True).until("hanging").stop().end()
    assert code == 130, err
    assert sorted(lines[3:]) == ["closed access", "closed tokens", "closing access", "closing tokens", "worked"]
    assert "too late" not in err  # nor a traceback: `end` looks for one


def test_an_inner_close_that_hangs_does_not_keep_the_outer_one_from_closing(up: Callable[..., Run]) -> None:
    code, lines, err, seconds = up("waiting_then_hanging_close", ci=True).until("hanging").stop().end()
    print(f"a hanging close, one signal, CI's grace: ended after {seconds:.1f} s")
    assert code == 3, err
    assert lines[3:] == ["closing tokens", "closing access", "closed access"]
    assert "access/tokens (tcp/8000): NOT CLOSED: closing access/tokens took longer than" in err
    assert "access (tcp/8000): closed after" in err
    assert "tokens: behind access that is closed now; resume or undo opens that again" in err
    assert "trunkline sweep" not in err


@pytest.mark.parametrize("ci", [False, True])
def test_a_second_signal_ends_it_also_where_everything_hangs(up: Callable[..., Run], ci: bool) -> None:
    run = up("everything_hangs", ci=ci).until("hanging").stop()
    time.sleep(0.3)
    code, lines, err, seconds = run.stop(signal.SIGTERM).end()
    print(f"everything hangs, two signals: ended after {seconds:.1f} s")
    assert code == 3, err
    assert lines[3:] == ["closing tokens", "closing access"]
    assert "access/tokens (tcp/8000): NOT CLOSED" in err
    assert "access (tcp/8000): NOT CLOSED" in err
    assert "close it:   trunkline sweep --run acme" in err


def test_what_is_closing_when_it_is_told_to_stop_is_given_its_time(up: Callable[..., Run]) -> None:
    code, lines, err, _ = up("hanging_close", ci=True).until("closing tokens").stop().end()
    assert code == 3, err
    assert lines[-2:] == ["closing access", "closed access"]


def test_a_failure_undone_at_once(up: Callable[..., Run]) -> None:
    code, lines, err, _ = up("fails_then_undoes_slowly", "--on-failure", "undo", "--progress", "plain").end()
    assert code == 1, err
    assert lines == ["hanging", "undone second", "undone first"]
    assert "error: ValueError: planted (in step bad)" in err
    assert "acme: is undone" in err
    assert "second/slow: undone (" in err
    assert "bad: has nothing to undo" in err


def test_ctrl_c_during_that_undo(up: Callable[..., Run]) -> None:
    run = up("fails_then_undoes_slowly", "--on-failure", "undo").until("hanging").stop()
    code, lines, err, _ = run.end()
    assert code == 130, err
    assert lines == ["hanging", "undone second"]
    assert "error: ValueError: planted (in step bad)" in err
    assert "error: interrupted" in err
    assert "  not undone:\n    first\n" in err
    assert "take back:  trunkline undo acme" in err
    assert "resume:" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_undo_ends_what_is_in_flight_and_says_how_to_go_on(
    up: Callable[..., Run], tmp_path: Path, number: signal.Signals
) -> None:
    assert up("fails_then_undoes_slowly").end()[0] == 1
    code, lines, err, _ = Run(tmp_path, "undo", "acme").until("hanging").stop(number).end()
    assert code == 130, err
    assert lines == ["hanging", "undone second"]
    assert "  not undone:\n    first\ngo on:      trunkline undo acme\n" in err
    assert Run(tmp_path, "undo", "acme").end()[:2] == (0, ["undone first", "acme: undone"])


def test_a_ci_does_not_hurry_a_closing_when_nobody_stops_the_run(trunkline, tmp_path, monkeypatch):
    """A CI's short grace is for its signal: a stack that is deleted at the end of a good run takes longer than that."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("trunkline.cli.stopping.GRACE_IN_CI", 0.05)
    file = tmp_path / "slow.py"
    file.write_text(
        "import time\n"
        "from trunkline import during\n"
        "def slow(state): time.sleep(0.5)\n"
        "def pipeline(run: str):\n"
        "    return [during('door', open=lambda s: None, close=slow, steps=[('work', lambda s: None)])]\n"
    )
    answer = trunkline("up", f"{file}:pipeline")
    assert answer.code == 0, answer.err
