"""No core file of the command line, and no look into it by others of its user."""

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

MARKER = "pl4nted-in-memory-" + "x" * 8
PIPELINE = """
import ctypes, os

def dies():
    def die(state):
        print("dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
        os.abort()
    return [("die", die)]
"""
PLAIN = "import resource, os; held = os.environ['HELD'] + '!'; os.abort()"


def died(tmp_path, *command):
    """Run it where core files of any size may be written; answer what it printed and the core files it left."""
    environment = {**os.environ, "HELD": MARKER, "XDG_STATE_HOME": str(tmp_path / "state")}

    def allow_cores():
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, preexec_fn=allow_cores, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -6, done.stderr
    return done.stdout, list(tmp_path.glob("core*"))


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_a_command_that_crashes_leaves_no_core_and_cannot_be_looked_into(tmp_path):
    (tmp_path / "pipelines.py").write_text(PIPELINE)
    trunkline = str(Path(sys.executable).with_name("trunkline"))
    printed, cores = died(tmp_path, trunkline, "up", "pipelines.py:dies", "--progress", "quiet")
    assert printed == "dumpable 0\n"
    assert cores == []


def test_the_same_without_that_care_leaves_the_secret_in_a_core(tmp_path):
    pattern = Path("/proc/sys/kernel/core_pattern")
    if not pattern.exists() or pattern.read_text().strip() != "core":
        pytest.skip("this machine keeps its core files elsewhere")
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("this machine allows no core files")
    _, cores = died(tmp_path, sys.executable, "-c", PLAIN)
    assert len(cores) == 1
    assert MARKER.encode() in cores[0].read_bytes()


def test_the_program_that_uses_the_library_is_left_alone():
    from trunkline.cli.main import main

    before = resource.getrlimit(resource.RLIMIT_CORE)
    main(["--help"])
    assert resource.getrlimit(resource.RLIMIT_CORE) == before
    if sys.platform == "linux":
        assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 1
