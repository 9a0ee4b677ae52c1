"""The live tree on a real pseudo-terminal, read by a terminal emulator: no double tree, no full clear."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte
import pytest

PROGRAM = """
import sys, time
from trunkline import during, each, here, pipe
from trunkline.views.choose import view

def work(state):
    for step in range(2):
        here().note(f"stack VPC CREATE_IN_PROGRESS {step}")
        time.sleep(0.04)

def talk(state):
    print("a step says hello")
    work(state)

def bad(state):
    raise ValueError("the tunnel stays down")

steps = [
    ("vpc", work),
    ("routes", [("up", work), ("down", work)]),
    during("api-access", open=work, close=work, steps=[
        ("talk", talk), each("peers", over="hubs", steps=[("tunnel", work)]),
        ("verify", bad if "bad" in sys.argv else work),
    ]),
    ("teardown", work),
]
shown = view("auto", sys.stderr)
try:
    pipe({"hubs": [f"hub-{n}" for n in range(int(sys.argv[1]))]}, steps, run="acme", observers=[shown])
except ValueError:
    pass
finally:
    shown.close()
print("the end")
"""


def on_terminal(
    tmp_path: Path, columns: int, lines: int, *args: str, env: dict[str, str] | None = None
) -> tuple[list[str], bytes]:
    """What the screen (with all that scrolled off) shows at the end, and the bytes that were written."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    told = ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")  # what would outweigh the terminal itself
    clean = {key: value for key, value in os.environ.items() if key not in told}
    process = subprocess.Popen(
        [sys.executable, str(program), *args],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**clean, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **(env or {})},
    )
    os.close(slave)
    screen = pyte.HistoryScreen(columns, lines, history=1000)
    stream, written = pyte.ByteStream(screen), b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        written += chunk
        stream.feed(chunk)
    os.close(master)
    assert process.wait(timeout=5) == 0
    scrolled = ["".join(line[column].data for column in range(columns)) for line in screen.history.top]
    return [line.rstrip() for line in [*scrolled, *screen.display]], written


@pytest.mark.parametrize(("columns", "lines"), [(120, 40), (80, 24), (40, 12), (30, 8)])
def test_one_tree_and_no_full_clear(tmp_path: Path, columns: int, lines: int) -> None:
    shown, written = on_terminal(tmp_path, columns, lines, "2")
    whole = "\n".join(shown)
    assert b"\x1b[2J" not in written
    assert b"\x1b[3J" not in written
    assert b"\x1b[?1049h" not in written
    assert len([line for line in shown if "acme" in line]) == 1, whole
    for name in ("✔ vpc", "✔ routes", "✔ api-access", "✔ teardown"):
        assert whole.count(name) == 1, whole
    assert "a step says hello" in whole, "what a step prints stands above the tree"
    assert whole.index("a step says hello") < whole.index("acme") < whole.index("the end")
    assert written.rstrip().endswith(b"the end")
    assert b"\x1b[?25h" in written, "the cursor is given back"


def test_more_rows_than_the_terminal_has(tmp_path: Path) -> None:
    shown, _ = on_terminal(tmp_path, 60, 8, "12")
    assert len([line for line in shown if "acme" in line]) == 1, "\n".join(shown)


def test_the_failed_step_stays_open_with_its_reason(tmp_path: Path) -> None:
    shown, _ = on_terminal(tmp_path, 100, 30, "2", "bad")
    whole = "\n".join(shown)
    assert re.search(r"✘ api-access 3/4 .* closed", whole), whole
    assert re.search(r"✘ verify .*ValueError: the tunnel stays down", whole), whole
    assert "· teardown" in whole
    assert "failed: ValueError" in whole


def test_a_wait_shows_what_it_waits_for_and_narrow_windows_only_names(tmp_path: Path) -> None:
    assert b"CREATE_IN_PROGRESS" in on_terminal(tmp_path, 100, 30, "2")[1]
    assert b"CREATE_IN_PROGRESS" not in on_terminal(tmp_path, 40, 30, "2")[1]


def test_no_colour_when_nobody_wants_it(tmp_path: Path) -> None:
    assert re.search(rb"\x1b\[[0-9;]*3[0-9]m", on_terminal(tmp_path, 80, 24, "1")[1])
    assert not re.search(rb"\x1b\[[0-9;]*3[0-9]m", on_terminal(tmp_path, 80, 24, "1", env={"NO_COLOR": "1"})[1])


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"CI": "true"}, {"TRUNKLINE_PROGRESS": "plain"}])
def test_plain_lines_where_a_tree_does_not_belong(tmp_path: Path, env: dict[str, str]) -> None:
    shown, written = on_terminal(tmp_path, 100, 50, "1", env=env)
    assert b"\x1b[" not in written
    assert any("vpc: done (" in line for line in shown)
