"""One process a run, and the lock goes with the process."""

import subprocess
import sys

import pytest

from trunkline._core.errors import Error
from trunkline.durable.alone import InProgress, alone

HOLDER = """
import sys
from pathlib import Path
from trunkline.durable.alone import alone
with alone(Path(sys.argv[1]), sys.argv[2]):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    words = [sys.executable, "-c", HOLDER, str(tmp_path), "acme"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in\n"
        yield process
        process.kill()


def test_the_same_run_is_refused_while_another_process_has_it(holder, tmp_path):
    with pytest.raises(InProgress, match="run 'acme' is in progress"), alone(tmp_path, "acme"):
        pytest.fail("two are inside")
    with alone(tmp_path, "other"), alone(tmp_path / "elsewhere", "acme"):
        pass


def test_a_killed_process_leaves_no_lock(holder, tmp_path):
    holder.kill()
    holder.wait()
    with alone(tmp_path, "acme"):
        pass


def test_a_home_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Error, match=r"home = '.*file' cannot be written to"), alone(tmp_path / "file", "acme"):
        pytest.fail("not reached")
