"""A journal's file and its log, cut anywhere and spoilt anywhere: it works, or says what to do; never a traceback.

Some bytes in `make test`, every byte in the long version. What was acknowledged before the place of the damage is
still there.
"""

import os
import signal
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from trunkline import pipe
from trunkline.durable.store import Store
from trunkline.errors import Changed, JournalError, RunState

EVERY = pytest.mark.parametrize("every", [499, pytest.param(1, marks=pytest.mark.long)])
NAMES = [f"s{n}" for n in range(8)]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal.db"


def whole(file):
    """A journal with a finished and a failed run, as one file without a log beside it."""
    pipe({}, [(f"s{n}", lambda s: {"x": "y" * 50}) for n in range(20)], journal=file, run="done")
    with pytest.raises(ZeroDivisionError):
        pipe({}, [("a", lambda s: {"x": 1}), ("b", lambda s: 1 / 0)], journal=file, run="r")
    db = sqlite3.connect(file)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return file.read_bytes()


def log_of_a_killed_run(file):
    """The file and its log as a kill leaves them, and how long the log was when each step's intent was acknowledged."""
    sizes, log = file.with_suffix(".sizes"), Path(f"{file}-wal")

    def step(state):
        with sizes.open("a") as told:
            print(log.stat().st_size, file=told)

    def last(state):
        step(state)
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        pipe({}, [(name, last if name == NAMES[-1] else step) for name in NAMES], journal=file, run="r")
    os.waitpid(pid, 0)
    return file.read_bytes(), log.read_bytes(), [int(size) for size in sizes.read_text().split()]


def works(content, log, tmp_path):
    """Whether a run with this content goes on; else it is refused with a remedy. Anything else raises.

    Also answers the steps whose intent is in it.
    """
    place = tmp_path / "torn.db"
    for name in ("", "-wal", "-shm"):
        Path(f"{place}{name}").unlink(missing_ok=True)
    place.write_bytes(content)
    if log:
        Path(f"{place}-wal").write_bytes(log)
    known, error = [], None
    try:
        with suppress(JournalError):
            store = Store(place)
            known = [entry.path for entry in store.entries("r") if entry.kind == "intend"]
            store.close()
        steps = (
            [("a", lambda s: {"x": 1}), ("b", lambda s: {"y": 2})] if not log else [(n, lambda s: None) for n in NAMES]
        )
        pipe({}, steps, journal=place, run="r")
    except (JournalError, Changed, RunState) as refused:
        error = refused
    assert error is None or error.hint
    assert not isinstance(error, JournalError) or str(place) in str(error)
    return error is None, known


def flipped(content, place, bits):
    return content[:place] + bytes([content[place] ^ bits]) + content[place + 1 :]


def told(what, lives):
    went_on = sum(lives)
    print(f"{what}: {len(lives)} lives, {went_on} went on, {len(lives) - went_on} were refused with a remedy")
    assert went_on
    return len(lives) - went_on


@EVERY
def test_a_journal_cut_anywhere_works_or_says_what_to_do(file, tmp_path, every):
    content = whole(file)
    lives = [works(content[:length], b"", tmp_path)[0] for length in range(0, len(content), every)]
    assert told("the file cut", lives)


@pytest.mark.parametrize("bits", [0xFF, 0x01])
@EVERY
def test_a_journal_with_flipped_bits_works_or_says_what_to_do(file, tmp_path, every, bits):
    content = whole(file)
    lives = [works(flipped(content, place, bits), b"", tmp_path)[0] for place in range(0, len(content), every)]
    assert told("the file flipped", lives)


@EVERY
def test_the_log_cut_anywhere_loses_nothing_that_was_acknowledged_before(file, tmp_path, every):
    """After a kill the newest commits lie in the write-ahead log; a torn tail of it is what a power cut leaves."""
    content, log, sizes = log_of_a_killed_run(file)
    assert len(set(sizes)) == len(NAMES)
    lives = []
    for length in range(0, len(log) + 1, every):
        went_on, known = works(content, log[:length], tmp_path)
        acknowledged = sum(size <= length for size in sizes)
        assert known[:acknowledged] == NAMES[:acknowledged], (length, known)
        lives.append(went_on)
    assert told("the log cut", lives) == 0


@EVERY
def test_the_log_flipped_anywhere_loses_nothing_that_was_acknowledged_before(file, tmp_path, every):
    content, log, sizes = log_of_a_killed_run(file)
    lives = []
    for place in range(0, len(log), every):
        went_on, known = works(content, flipped(log, place, 0xFF), tmp_path)
        acknowledged = sum(size <= place for size in sizes) if place >= 32 else 0  # its head says where it begins
        assert known[:acknowledged] == NAMES[:acknowledged], (place, known)
        lives.append(went_on)
    assert told("the log flipped", lives) == 0
