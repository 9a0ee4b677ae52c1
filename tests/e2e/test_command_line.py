"""The command line against a lab of its own, as a user types it: what goes wrong is told, and access is closed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TRUNKLINE = str(Path(sys.executable).with_name("trunkline"))
ROOT = Path(__file__).parents[2]


class Shell:
    """A lab in the background, and a shell in which TRUNKLINE_CONFIG leads to it."""

    def __init__(self, state):
        self.environment = {**os.environ, "XDG_STATE_HOME": str(state), "CI": ""}
        self.config = json.loads(self("lab", "up", "--pace", "fast", "--read-lag", "0.3", "--json").stdout)["config"]
        self.environment["TRUNKLINE_CONFIG"] = self.config

    def __call__(self, *words, expect=0):
        done = self.start(*words)
        out, err = done.communicate(timeout=100)
        assert done.returncode == expect, (words, done.returncode, out, err)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(words, done.returncode, out, err)

    def start(self, *words):
        return subprocess.Popen(
            [TRUNKLINE, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def json(self, *words, expect=0):
        return json.loads(self(*words, "--json", expect=expect).stdout)

    def exposures(self):
        return self.json("exposures")["exposures"]

    def changed_config(self, directory, pattern, text):
        """A copy of the configuration in which the first match of `pattern` is replaced."""
        changed, count = re.subn(pattern, text, Path(self.config).read_text(), count=1, flags=re.DOTALL)
        assert count == 1
        path = directory / "changed.toml"
        path.write_text(changed)
        return str(path)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    made = Shell(tmp_path_factory.mktemp("state"))
    try:
        made("up", "federation", "--name", "fednet", "--account", "B")
        yield made
    finally:
        made("lab", "down")


CONNECT = ("up", "connect-vpc", "--account", "A", "--federation-account", "B", "--federation", "fednet")


def test_the_main_job_and_its_report(shell):
    result = shell.json(*CONNECT, "--name", "acme", "--cidr", "10.1.0.0/16")
    assert result["outcome"] == "done"
    assert [end["connected"] for end in result["outputs"]["tunnels"]] == [True] * 4
    assert {scope["path"].rpartition("/")[2]: scope["closed"] for scope in result["access"]} == {
        "caller-route": True, "api-access": True, "api-tokens": True,
    }  # fmt: skip
    notes = {scope["path"].rpartition("/")[2]: scope["note"] for scope in result["access"]}
    assert re.fullmatch(r"tcp/8000 from 127\.0\.0\.1/32 in A and B, 15 min at most", notes["api-access"])
    assert notes["caller-route"] == "a route from the router's subnet to 127.0.0.1/32"
    assert notes["api-tokens"] == "an API token on each of 3 routers, 15 min at most"
    assert result["exposed_now"] == []
    assert "(hidden)" in json.dumps(result)  # the factory password is named, and not shown
    assert shell.exposures() == []


def test_the_essays_pipeline_runs_as_it_is_typed(shell):
    words = ("up", f"{ROOT / 'examples/essay.py'}:deploy", "--account-a", "A", "--account-b", "B")
    result = shell.json(*words, "--federation", "fednet", "--cidr", "10.2.0.0/16", "--name", "essay")
    assert [end["connected"] for end in result["outputs"]["tunnels"]] == [True] * 4
    assert shell.exposures() == []


def test_the_pictures_of_what_the_jobs_made(shell, tmp_path):
    told = shell.json("report", "acme", "-o", str(tmp_path / "acme.html"))
    assert (told["title"], told["problems"]) == ("✓ acme done", [])
    text = (tmp_path / "acme.html").read_text()
    assert "Read from A" in text
    assert "✓ Nothing is exposed" in text
    assert "acme-vpc" in text
    assert "10.0.0.0/16 → acme-router" in text, "a route, as the cloud has it"
    whole = shell.json("graph", "--topology")
    assert whole["summary"].endswith("· 6 tunnels"), "two runs, and the federation of both"
    assert {each["account"] for each in whole["networks"]} == {"A", "A2", "B"}, "the accounts' default networks, too"
    assert {each["state"] for each in whole["tunnels"]} == {"up"}
    assert whole["problems"] == whole["exposures"] == []


def test_an_overlapping_block_is_refused(shell):
    done = shell(*CONNECT, "--name", "overlap", "--cidr", "10.0.128.0/17", expect=1)
    assert "10.0.128.0/17 overlaps 10.0.0.0/16 (datacentre)" in done.stderr
    assert "hint: choose a block that is free" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--cidr", "10.1.0.1/16"), "has host bits set"),
        (("--cidr", "tenth"), "tenth"),
        (("--cider", "10.1.0.0/16"), "--cidr"),
        (("--account", "Z"), "'Z'"),
        (("--access-minutes", "soon"), "'--access-minutes': 'soon': input should be a valid integer"),
        (("--access-minutes", "0"), "access_minutes=0 is too short"),
        (("--router-timeout", "-1"), "router_timeout=-1.0 is no time to wait"),
        (("--name", "a b"), "name = 'a b' is no name for a run"),
        (("--name", ""), "--name '' is no name for a run"),
        (("--name", "x" * 60), "60 characters"),
        (("--federation", ""), "federation = '' is no name"),
    ],
)
def test_a_wrong_option_is_usage(shell, words, says):
    done = shell(*CONNECT, "--name", "usage", *words, expect=64)
    assert says in done.stderr


@pytest.mark.parametrize("everyone", ["0.0.0.0/0", "::/0"])
def test_access_for_everyone_is_refused_by_name(shell, everyone):
    done = subprocess.run(
        [TRUNKLINE, *CONNECT, "--name", "open", "--from", everyone],
        env=shell.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in (1, 64)
    assert everyone in done.stderr
    assert "whole internet" in done.stderr


def test_a_router_that_never_answers_is_told_and_access_is_closed(shell, tmp_path):
    # An image that exists and is no router: the stack comes up, and nothing ever answers on port 8000.
    other = shell.changed_config(tmp_path, r'(\[accounts\.A\].*?router_image = )"[^"]*"', r'\1"ami-0c0ffee0000000002"')
    done = shell(*CONNECT, "--name", "mute", "--config", other, "--router-timeout", "3", expect=1)
    assert "mute-router" in done.stderr
    assert re.search(r"refused|unreachable|no answer|not done within|timeout", done.stderr)
    assert "resume:     trunkline resume mute" in done.stderr
    assert shell.exposures() == []


def test_a_wrong_caller_is_told_in_time_and_access_is_closed(shell):
    words = ("--name", "elsewhere", "--from", "198.51.100.7", "--router-timeout", "3")
    begun = time.monotonic()
    done = shell(*CONNECT, *words, expect=1)
    assert time.monotonic() - begun < 40
    assert "is its API (tcp/8000) open for this machine" in done.stderr
    assert "routers/new" in done.stderr
    assert "routers/federation" in done.stderr
    assert shell.exposures() == []


def interrupted(shell, name, times):
    """Start the job, press Ctrl-C while access is open, and see how it ends."""
    child = shell.start(*CONNECT, "--name", name, "--progress", "plain")
    lines = []
    for line in child.stderr:
        lines.append(line)
        if "api-access#open: done" in line:
            break
    child.send_signal(signal.SIGSTOP)  # it must not end while we look
    assert shell.exposures() != []
    child.send_signal(signal.SIGCONT)
    for _ in range(times):
        child.send_signal(signal.SIGINT)
        time.sleep(0.05)
    out, err = child.communicate(timeout=60)
    return child.returncode, "".join(lines) + err, out


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_while_access_is_open_closes_it(shell, times):
    code, err, _ = interrupted(shell, f"stopped-{times}", times)
    assert code == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert "exposed now: nothing" in err
    assert shell.exposures() == []
    again = shell.json(*CONNECT, "--name", f"stopped-{times}")  # and the same command goes through
    assert [end["connected"] for end in again["outputs"]["tunnels"]] == [True] * 4


def test_ctrl_c_while_every_router_hangs_closes_the_access_and_tells_what_is_owed(shell):
    child = shell.start(*CONNECT, "--name", "hung", "--progress", "plain")
    lines = []
    for line in child.stderr:
        lines.append(line)
        if "api-tokens#open: done" in line:
            break
    else:
        raise AssertionError("".join(lines))
    child.send_signal(signal.SIGSTOP)
    try:
        shell("lab", "fault", "add", "vns3:*", "hang", "--seconds", "200")
        child.send_signal(signal.SIGCONT)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=100)
        assert child.returncode == 3, err  # the tokens on the routers could not be revoked
        assert "api-tokens" in err
        assert "NOT CLOSED" in err
        assert "trunkline sweep" not in err  # it opens nothing, so it cannot reach the routers
        assert "api-tokens: behind access that is closed now" in err
        assert "take back:  trunkline undo hung" in err
        assert "exposed now: nothing" in err
        assert shell.exposures() == []
        owed = [each for each in shell.json("exposures")["owed"] if each["run"] == "hung"]
        assert [(each["path"].rpartition("/")[2], each["shut"]) for each in owed] == [("api-tokens", True)]
        assert "`trunkline undo hung` closes it" in shell("exposures").stdout
    finally:
        child.kill()
        shell("lab", "fault", "clear")
    # The tokens are revoked through the access that is closed now: only what opens it again can do that.
    assert shell.json("undo", "hung")["outcome"] == "undone"


def killed(shell, name):
    """Start the job and kill it while access is open."""
    child = shell.start(*CONNECT, "--name", name, "--progress", "plain")
    for line in child.stderr:
        if "api-access#open: done" in line:
            break
    child.kill()
    child.communicate()


def test_what_a_killed_run_left_open_is_seen_and_swept_from_a_machine_without_its_journal(shell, tmp_path):
    killed(shell, "killed")
    elsewhere = ("--config", shell.changed_config(tmp_path, 'home = "[^"]*"', f'home = "{tmp_path / "home"}"'))
    (one, other) = shell.json("exposures", *elsewhere)["exposures"]
    assert {one["run"], other["run"]} == {"killed"}
    assert {one["account"], other["account"]} == {"A", "B"}
    shell("sweep", *elsewhere)  # they have not expired, and nobody asked for that run
    assert len(shell.exposures()) == 2
    shell("sweep", "--run", "killed", "--dry-run", *elsewhere, expect=2)
    assert len(shell.exposures()) == 2
    shell("sweep", "--run", "killed", *elsewhere)
    assert shell.exposures() == []
    assert shell.json(*CONNECT, "--name", "killed")["outcome"] == "done"


def test_a_killed_run_is_resumed_by_its_name_alone_and_undone(shell):
    killed(shell, "dead")
    assert "died" in shell("status").stdout
    resumed = shell.json("resume", "dead")
    assert [end["connected"] for end in resumed["outputs"]["tunnels"]] == [True] * 4
    told = shell.json("status", "dead")
    assert told["standing"] == "done"
    assert {step["outcome"] for step in told["steps"]} == {"done", "closed"}
    assert shell.json("undo", "dead") == {"version": "1.0", "run": "dead", "outcome": "undone", "left": []}
    audit = shell.json("lab", "audit")
    assert (audit["duplicates"], audit["orphans"], audit["open_access"]) == ([], [], [])
    assert not [one for one in audit["things"] if one["maker"]["run"] == "dead" and not one["given"]]
    assert "undone" in shell("history").stdout


def test_sweep_pays_at_once_what_a_dead_run_of_this_journal_owes(shell):
    killed(shell, "owing")
    assert len(shell.exposures()) == 2
    assert "owing: closed what its dead process owed" in shell("sweep").stderr
    assert shell.exposures() == []
    assert shell.json("undo", "owing")["outcome"] == "undone"


def test_a_federation_is_not_undone_under_the_vpcs_that_it_serves(shell):
    shell("up", "federation", "--name", "other", "--account", "A2", "--cidr", "10.253.0.0/24")
    served = ("up", "connect-vpc", "--account", "A", "--federation-account", "A2", "--federation", "other")
    cidr = shell.json(*served, "--name", "served")["outputs"]["vpc_cidr"]
    refused = shell("undo", "other", expect=1).stderr
    assert f"routers is in use: the federation still leads to {cidr}" in refused
    assert "undo the runs that connected these VPCs first" in refused
    assert shell.json("status", "other")["standing"] == "done"  # as before
    shell("resume", "other")  # and it may go forward
    assert [end["connected"] for end in shell.json(*served, "--name", "served")["outputs"]["tunnels"]] == [True] * 4
    shell("undo", "served")
    shell("undo", "other")


@pytest.mark.parametrize("words", [("resume", "nobody"), ("undo", "nobody"), ("status", "nobody")])
def test_a_run_that_nobody_knows(shell, words):
    assert "no run 'nobody'" in shell(*words, expect=1).stderr


def test_check_touches_nothing_and_graph_draws(shell):
    shell("check", *CONNECT[1:], "--name", "looked-at")
    drawn = shell("graph", *CONNECT[1:], "--name", "looked-at").stdout
    for name in ("network-config", "vpc", "routes", "api-access", "peers", "verify"):
        assert name in drawn


def test_doctor(shell):
    shell("doctor")


def test_a_second_lab_runs_beside_the_first(shell):
    try:
        second = shell.json("lab", "up", "--name", "second", "--pace", "fast", "--routers", "2")
        assert second["endpoints"] != shell.json("lab", "status")["endpoints"]
        fresh = [one for one in second["controllers"] if one.get("default_password")]
        assert len(fresh) == 2
        assert len({one["address"] for one in fresh}) == 2
    finally:
        shell("lab", "down", "--name", "second")
    assert not Path(second["config"]).exists()
