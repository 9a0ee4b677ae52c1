"""The eight-step job, killed at every journal write and every effect on a cloud or router; judged by the audit.

The lab is a process of its own; the job runs in forked children, and a kill is a real SIGKILL. An effect is any
request that is not a read; a child dies right before or right after one. Afterwards the run is resumed, judged,
undone, and judged again.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.config import load
from trunkline.durable import runs
from trunkline.durable.journal import Journal
from trunkline.durable.store import Store

TRUNKLINE = str(Path(sys.executable).with_name("trunkline"))
READS = (b"Action=Describe", b"Action=Get", b"Action=List", b"Action=Validate")

_target = _passed = 0


def point():
    global _passed
    _passed += 1
    if _passed == _target:
        os.kill(os.getpid(), signal.SIGKILL)


class Lab:
    """A lab in a process of its own, with a federation in it."""

    def __init__(self, state):
        self.environment = {**os.environ, "XDG_STATE_HOME": str(state)}
        self.config = self.shell("lab", "up", "--pace", "fast", "--read-lag", "0.3")["config"]
        self.environment["TRUNKLINE_CONFIG"] = self.config
        self.shell("up", "federation", "--name", "federation", "--account", "B", "--progress", "quiet")

    def shell(self, *words):
        done = subprocess.run(
            [TRUNKLINE, *words, "--json"], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def life(self, run, what, target=0):
        """Run, resume or undo in a child that dies at its `target`th point: how many it passed, None when it died."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._live(run, what, target, writer)
        os.close(writer)
        with os.fdopen(reader) as told:
            answer = told.read()
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return None
        assert answer.isdigit(), answer
        return int(answer)

    def _live(self, run, what, target, writer):
        global _target, _passed
        answer = ""
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            config = load(Path(self.config))
            accounts = {"account": config.account("A"), "federation_account": config.account("B")}
            pipeline = connect_vpc(config, run, **accounts)
            journal = config.home / "journal.db"
            _target, _passed = target, 0
            _die_at_points()
            if what == "forward":
                runs.pipe(pipeline.data, pipeline.steps, journal=journal, run=run)
            else:
                runs.undo(pipeline.steps, journal=journal, run=run)
            answer = str(_passed)
        except BaseException as error:
            answer = f"{what} {run}: {error!r} {getattr(error, '__notes__', '')}"
        finally:
            os.write(writer, answer.encode())
            os._exit(0)

    def known(self, run):
        with Journal(load(Path(self.config)).home / "journal.db") as book:
            return bool(list(book.store.entries(run)))

    def audit(self):
        return self.shell("lab", "audit")


def _die_at_points():
    append, urlopen = Store.append, urllib3.HTTPConnectionPool.urlopen

    def dying_append(self, *lines):
        point()
        answer = append(self, *lines)
        point()
        return answer

    def dying_urlopen(self, method, url, body=None, *words, **more):
        data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
        effect = method != "GET" and not any(read in data for read in READS)
        if effect:
            point()
        answer = urlopen(self, method, url, body, *words, **more)
        if effect:
            point()
        return answer

    Store.append = dying_append
    urllib3.HTTPConnectionPool.urlopen = dying_urlopen


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("state"))
    try:
        yield made
    finally:
        made.shell("lab", "down")


def judge(lab, run, undone):
    """0 duplicates, 0 orphans, 0 open access; and nothing at all of a run that was undone."""
    audit = lab.audit()
    assert audit["duplicates"] == [], audit["duplicates"]
    assert audit["orphans"] == [], audit["orphans"]
    assert audit["open_access"] == [], audit["open_access"]
    left = [
        (one["kind"], one["id"], one["details"])
        for one in audit["things"]
        if one["maker"]["run"] == run and not one["given"]
    ]
    assert not undone or not left, left


def sweep(lab, every, first=1):
    """Kill the job at every point, or at every nth; answers how many lives it took."""
    count = lab.life("whole", "forward")
    judge(lab, "whole", undone=False)
    lab.life("whole", "undo")
    judge(lab, "whole", undone=True)
    lives = 0
    for target in range(first, count + 1, every):
        run = f"killed-{target}"
        if lab.life(run, "forward", target) is not None:
            break
        if target % 2:  # one half goes on, the other is taken back as it is
            lab.life(run, "forward")
            judge(lab, run, undone=False)
        if lab.known(run):
            lab.life(run, "undo")
        judge(lab, run, undone=True)
        lives += 1
    print(f"{count} points, {lives} lives: 0 duplicates, 0 orphans, 0 open access")
    return lives


def test_the_job_killed_at_some_of_its_points(lab):
    assert sweep(lab, every=23) >= 4


@pytest.mark.long
def test_the_job_killed_at_every_point(lab):
    assert sweep(lab, every=1) > 80


@pytest.mark.long
def test_the_undo_of_the_job_killed_at_every_point(lab):
    lab.life("whole", "forward")
    count = lab.life("whole", "undo")
    lives = 0
    for target in range(1, count + 1):
        run = f"undone-{target}"
        lab.life(run, "forward")
        if lab.life(run, "undo", target) is not None:
            break
        lab.life(run, "undo")
        judge(lab, run, undone=True)
        lives += 1
    print(f"{count} points, {lives} lives: undone all the same")
    assert lives > 40
