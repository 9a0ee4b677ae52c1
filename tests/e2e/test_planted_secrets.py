"""Secrets are planted wherever a person can, and overheard where they are used; then everything is searched for them.

Searched are: what every command printed, all that any library logged at its most talkative, the journal with its WAL
(also of a process that was killed), and every command line that ran. The factory's passwords are no secrets: they are
the machines' own names and ids.
"""

import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from planted import Markers

from trunkline.config import load
from trunkline_lab.lab import AWS_ACCOUNTS, VAULT, Lab
from trunkline_lab.world import FAST

HERE = Path(__file__).parent
CONNECT = ("connect-vpc", "--account", "A", "--federation-account", "B", "--federation", "fednet", "--name", "acme")
FEDERATION = ("federation", "--name", "fednet", "--account", "B")
VERB = {"vns3": ("password", "secret", "token"), "azure": ("routerPassword", "adminPassword")}


class Rig:
    """A lab in this process whose every secret is a marker, and the command line run against it, loudly."""

    def __init__(self, lab, directory):
        self.lab, self.markers, self.directory = lab, Markers(), directory
        self.output = directory / "output"
        self.output.mkdir()
        self.numbers = count(1)
        master = base64.b64encode(os.urandom(32)).decode()
        self.markers.add("master key", master)
        self.environment = {**os.environ, "CI": "true", "TRUNKLINE_MASTER_KEY": master}
        self.config = directory / "trunkline.toml"
        self.config.write_text(self._planted_config())
        self.config.chmod(0o600)
        self.home = lab.config.parent / "home"
        lab.controllers.after.append(self._overhear_router)
        lab.azure.hooks.append(self)

    def _planted_config(self):
        """The lab's configuration, with secrets of every kind of reference."""
        account, text = load(self.lab.config), self.lab.config.read_text()
        aws, vault = account.account("A").session.secrets_manager, account.account("B").clients.vault(VAULT)
        directory = self.lab.config.parent
        keyset = "pl4nted/keyset+token&with\"odd'characters"
        aws.create_secret(Name="team/keyset", SecretString=json.dumps({"token": keyset}))
        vault.set_secret("site", self.lab.site.secret)
        self.markers.add("keyset token", keyset)
        self.markers.add("site secret", self.lab.site.secret)
        self.environment["LICENCE"] = (directory / "license.txt").read_text()
        for number, line in enumerate(self.environment["LICENCE"].splitlines()):
            self.markers.add(f"licence line {number}", line)
        for name in AWS_ACCOUNTS:
            self.markers.add(f"key of {name}", str(account.accounts[name]["secret_access_key"]))
        self.markers.add("client secret", "pl4nted-client-s3cret~value")
        replaced = {
            r'license = "[^"]*"': 'license = "env:LICENCE"',
            r'keyset_token = "[^"]*"': 'keyset_token = "aws-sm:A/team/keyset#token"',
            r'\nsecret = "[^"]*"': f'\nsecret = "azure-kv:{VAULT}/site"',
            r"(\[accounts\.B\]\n)": r'\1client_id = "c"' + '\nclient_secret = "pl4nted-client-s3cret~value"\n',
        }
        for pattern, new in replaced.items():
            text, changed = re.subn(pattern, new, text)
            assert changed == 1, pattern
        return text

    def _overhear_router(self, call):
        for field in VERB["vns3"]:
            sent = call.body.text(field, "") if field in call.body else ""
            answered = [value for name, value in _leaves(getattr(call.reply, "body", None)) if name == field]
            for value in (sent, *answered):
                self.markers.add(f"{field} on the wire to a router", value)

    async def before(self, call):
        for name, value in _leaves(call.body):
            if name in VERB["azure"]:
                self.markers.add(
                    f"{name} on the wire to Azure", value.get("value") if isinstance(value, dict) else value
                )

    async def after(self, call, answer):
        return None

    def start(self, *words, config=True):
        number = next(self.numbers)
        stem = self.output / f"{number:02}-{'-'.join(words[:2])}".replace("/", "_")[:200]
        environment = {**self.environment, "TALKATIVE": f"{stem}.log"}
        if config:
            environment["TRUNKLINE_CONFIG"] = str(self.config)
        with open(f"{stem}.out", "wb") as out, open(f"{stem}.err", "wb") as err:
            return subprocess.Popen(
                [sys.executable, str(HERE / "talkative.py"), *words], env=environment, stdout=out, stderr=err
            )

    def __call__(self, *words, expect=0, config=True):
        child = self.start(*words, config=config)
        code = child.wait(timeout=200)
        assert code == expect, f"{' '.join(words)} ended with {code}\n{self.last()}"

    def last(self):
        """What the last command itself said, its own errors whole; of what the libraries logged only the end."""
        stem = max(self.output.glob("*.err"), key=lambda path: int(path.name.partition("-")[0])).with_suffix("")
        kept = {".err": 20_000, ".out": 3000, ".log": 1500}
        return "\n".join(f"--- {end}\n{Path(f'{stem}{end}').read_text()[-most:]}" for end, most in kept.items())

    def found(self):
        return self.markers.found_under(self.output, *self.home.glob("journal.db*"), *self.home.glob("*.json"))


def _leaves(body):
    """(key, value) of all mappings inside."""
    if isinstance(body, (list, tuple)):
        for each in body:
            yield from _leaves(each)
    elif body is not None and hasattr(body, "keys"):
        for key in list(body.keys()):
            yield key, body[key]
            yield from _leaves(body[key])


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with Lab(pace=FAST) as lab:
        yield Rig(lab, tmp_path_factory.mktemp("planted"))


class Listening(threading.Thread):
    """Keeps every command line and title of a process and its children, while it lives."""

    def __init__(self, child):
        super().__init__(daemon=True)
        self.child, self.seen = child, bytearray()
        self.start()

    def run(self):
        while self.child.poll() is None:
            for name in ("cmdline", "comm", "status"):
                try:
                    self.seen += Path(f"/proc/{self.child.pid}/{name}").read_bytes()
                except OSError:
                    return
            time.sleep(0.05)


@pytest.mark.lab
def test_no_planted_secret_is_found_after_a_failure_a_kill_and_the_job(rig):
    # The federation, with a router that fails in the middle.
    rig.lab.faults.add("vns3:POST /ipsec/endpoints*", "error", times=1, status=500, message="internal")
    rig("up", *FEDERATION, "--debug", "--progress", "json", expect=1)
    rig("up", *FEDERATION, "--json", "--debug")
    # The job: killed while its access is open, so that a WAL is left; then resumed.
    child = rig.start("up", *CONNECT, "--progress", "plain", "--debug")
    listening = Listening(child)
    _wait(lambda: b"api-tokens#open: done" in _written(rig), child)
    child.kill()
    child.wait()
    listening.join()
    assert (rig.home / "journal.db-wal").exists()
    assert b"connect-vpc" in listening.seen
    assert rig.markers.found_in(bytes(listening.seen)) == set()
    assert rig.found() == {}
    rig("resume", "acme", "--progress", "json", "--json", "--debug")
    rig("status", "acme", "--json")
    # What was used is known, and nothing of it is anywhere.
    heard = {"password", "secret", "token"}
    assert {f"{each} on the wire to a router" for each in heard} <= rig.markers.names()
    assert {"routerPassword on the wire to Azure", "keyset token", "site secret", "master key"} <= rig.markers.names()
    assert len(rig.markers) > 15
    assert rig.found() == {}
    log = b"".join(path.read_bytes() for path in rig.output.glob("*.log"))
    assert all(name in log for name in (b"botocore", b"urllib3", b"azure"))


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.parametrize(
    ("pattern", "kind", "more"),
    [
        ("vns3:PUT *api_password*", "reset", {}),
        ("vns3:PUT *keyset*", "html", {}),
        ("vns3:POST *token*", "error", {"done": True}),
        ("vns3:POST /ipsec/endpoints*", "half", {}),
        ("vns3:GET *ipsec*", "html", {}),
        ("aws:cloudformation:CreateChangeSet", "error", {"code": "ValidationError"}),
        ("aws:secretsmanager:GetSecretValue", "error", {"code": "InternalServiceError"}),
        ("azure:Microsoft.Resources:PUT deployments/*", "error", {"status": 400, "code": "InvalidTemplate"}),
        ("azure:*:*", "html", {}),
    ],
)
def test_no_planted_secret_is_found_after_a_fault(rig, pattern, kind, more):
    """A federation of its own for each fault: it strikes, the run goes on or fails, is resumed, and is undone."""
    name, account = f"net-{next(rig.numbers)}", "A" if pattern.startswith("aws:") else "B"
    words = ("federation", "--name", name, "--account", account, "--cidr", "10.253.0.0/24")
    struck = len(rig.lab.faults.fired)
    rig.lab.faults.add(pattern, kind, times=2, **more)
    try:
        for _ in range(4):
            child = rig.start("up", *words, "--debug", "--progress", "plain")
            if child.wait(timeout=200) == 0:
                break
        assert child.returncode == 0, rig.last()
        assert len(rig.lab.faults.fired) > struck
    finally:  # whatever happened: the next fault wants the same block of addresses
        rig.lab.faults.clear()
        rig("undo", name, "--json", "--debug")
    assert rig.found() == {}


@pytest.mark.lab
@pytest.mark.long
def test_no_planted_secret_is_found_after_every_other_command(rig):
    rig("up", *FEDERATION)  # what the commands are about: as it is, where the tests before built it
    rig("up", *CONNECT)
    for words in (
        ("check", *CONNECT, "--json"),
        ("graph", *CONNECT),
        ("graph", *CONNECT, "--format", "mermaid"),
        ("graph", *CONNECT, "--format", "dot"),
        ("history", "--json"),
        ("exposures", "--json", "--debug"),
        ("secrets", "rotate", "--debug"),
        ("secrets", "status", "--json"),
        ("undo", "acme", "--json", "--debug"),
        ("sweep", "--run", "acme", "--json", "--debug"),
        ("doctor", "--json", "--debug"),
    ):
        rig(*words)
    rig("secrets", "rekey", "--debug", expect=1)  # the key comes from the environment, and is not shown for that
    assert rig.found() == {}


def _written(rig):
    return sorted(rig.output.glob("*.err"))[-1].read_bytes()


def _wait(condition, child, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, "it ended before"
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("leak", "where"),
    [("notes", ".err"), ("refused", ".err"), ("logs", ".log"), ("returns", "journal.db"), ("nothing", None)],
)
def test_a_planted_leak_is_caught(tmp_path, leak, where):
    markers = Markers()
    secret = "pl4nted?M4rker/of&this test"
    markers.add("marker", secret)
    environment = {
        **os.environ,
        "PLANTED": secret,
        "XDG_STATE_HOME": str(tmp_path),
        "TALKATIVE": str(tmp_path / "x.log"),
    }
    words = ["up", f"{HERE / 'leaky.py'}:{leak}", "--debug", "--progress", "plain", "--json"]
    with open(tmp_path / "x.out", "wb") as out, open(tmp_path / "x.err", "wb") as err:
        subprocess.run(
            [sys.executable, str(HERE / "talkative.py"), *words], env=environment, stdout=out, stderr=err, timeout=60
        )
    found = markers.found_under(tmp_path)
    assert bool(found) == (where is not None)
    assert where is None or any(where in name for name in found), found


@pytest.mark.parametrize(
    "value", ["correct-horse/battery+staple", 'quote"and\\slash and blank', "ünïcode-sécret-välue"]
)
def test_every_spelling_is_found_wherever_it_stands(value):
    markers = Markers()
    markers.add("m", value)
    for text in (
        value, f"x{value}y", json.dumps({"a": value}), json.dumps(json.dumps({"a": value})), repr([value]),
        quote(value), quote(value, safe=""), value.encode().hex(),
    ):  # fmt: skip
        assert markers.found_in(text.encode()), text
    for before in ("", "a", "ab", "api:"):
        for after in ("", "z", "zz"):
            assert markers.found_in(base64.b64encode(f"{before}{value}{after}".encode())), (before, after)
    assert not markers.found_in(value[:-3].encode())
