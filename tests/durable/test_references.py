"""References to secrets: each kind is resolved at the moment of use, and a literal is refused unseen."""

import base64
import json
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import keyring
import pytest
from memory_keyring import MemoryKeyring

from trunkline import pipe
from trunkline._core.errors import Error
from trunkline.durable import keyring_store, references
from trunkline.durable.references import resolve
from trunkline.durable.secrets import Secrets


@dataclass
class Household:
    home: Path
    accounts: dict = field(default_factory=dict)

    def account(self, name):
        return self.accounts[name]


@pytest.fixture
def household(tmp_path, monkeypatch):
    for name in ("TRUNKLINE_MASTER_KEY", "TRUNKLINE_MASTER_KEY_OLD"):
        monkeypatch.delenv(name, raising=False)
    return Household(tmp_path / "home")


@pytest.fixture
def ring(tmp_path, monkeypatch):
    """A keyring of the test's own, in force."""
    before = keyring.get_keyring()  # found while this one does not count
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))
    keyring.set_keyring(MemoryKeyring())
    yield keyring
    keyring.set_keyring(before)


def test_environment_and_file(household, monkeypatch, tmp_path):
    monkeypatch.setenv("MY_LICENSE", "text")
    path = tmp_path / "token"
    path.write_text("line\n")
    path.chmod(0o600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve("env:MY_LICENSE", household) == "text"
        assert resolve(f"file:{path}", household) == "line"


def test_a_file_that_everyone_may_read_warns(household, tmp_path):
    path = tmp_path / "token"
    path.write_text("value")
    path.chmod(0o644)
    with pytest.warns(UserWarning, match="chmod 600"):
        assert resolve(f"file:{path}", household) == "value"


@pytest.mark.parametrize("reference", ["hunter2", "env:", "file:", "vault:hunter2", "", "keyring:", "hunter2:env"])
def test_a_literal_is_refused_without_showing_it(household, reference):
    with pytest.raises(Error, match="literal") as refused:
        resolve(reference, household)
    assert "hunter2" not in str(refused.value) + str(refused.value.hint)
    assert "env:..., file:..., keyring:..., generated:..., aws-sm:..., azure-kv:..." in refused.value.hint


def test_what_a_reference_names_must_be_there(household, monkeypatch, tmp_path):
    monkeypatch.delenv("NO_SUCH_THING", raising=False)
    with pytest.raises(Error, match="NO_SUCH_THING is not set"):
        resolve("env:NO_SUCH_THING", household)
    with pytest.raises(Error, match="No such file"):
        resolve(f"file:{tmp_path}/missing", household)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "empty").chmod(0o600)
    with pytest.raises(Error, match="empty"):
        resolve(f"file:{tmp_path}/empty", household)


def test_a_keyrings_secret(household, ring, monkeypatch):
    ring.set_password("network", "site", "s3cret")
    assert resolve("keyring:network/site", household) == "s3cret"
    with pytest.raises(Error, match="no such secret") as refused:
        resolve("keyring:network/other", household)
    assert refused.value.hint == "put it there: keyring set network other"
    with pytest.raises(Error, match="keyring:network is incomplete"):
        resolve("keyring:network", household)
    monkeypatch.setenv("TEST_KEYRING_LOCKED", "1")
    with pytest.raises(Error, match="does not answer: KeyringLocked"):
        resolve("keyring:network/site", household)


def test_without_the_library_the_extra_is_named(household, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert not keyring_store.usable()
    with pytest.raises(Error, match="keyring is missing") as refused:
        resolve("keyring:network/site", household)
    assert refused.value.hint == "pip install 'trunkline[keyring]'"


def test_a_generated_secret_is_the_same_every_time_and_of_its_own_label(household):
    first = resolve("generated:site/datacentre", household)
    assert resolve("generated:site/datacentre", household) == first
    assert resolve("generated:site/other", household) != first
    # Nobody who writes a configuration can name a router's password.
    assert resolve("generated:router-password/a/i-1", household) != Secrets(household.home).derive(
        "router-password/a/i-1"
    )


def test_a_third_partys_kind_in_under_ten_lines(household, monkeypatch):
    module = ModuleType("their_module")
    module.read = lambda name, config: f"{name} of {config.home.name}"
    monkeypatch.setitem(sys.modules, "their_module", module)
    from importlib.metadata import EntryPoint

    entry = EntryPoint("vault", "their_module:read", references.GROUP)
    monkeypatch.setattr(references, "entry_points", lambda group, name=None: [entry])
    references._installed.cache_clear()
    try:
        assert resolve("vault:a/b", household) == "a/b of home"
    finally:
        references._installed.cache_clear()


def test_a_step_reads_once_and_the_next_one_reads_again(household, monkeypatch):
    asked = []

    def provide(name, config):
        asked.append(name)
        return f"{name}-{len(asked)}"

    monkeypatch.setitem(references.BUILT_IN, "env", provide)

    def twice(state):
        return {"same": resolve("env:X", household) == resolve("env:X", household)}

    def once(state):
        assert resolve("env:X", household) == "X-2"

    assert pipe({}, [("twice", twice), ("once", once)])["same"]
    assert asked == ["X", "X"]
    resolve("env:X", household)
    resolve("env:X", household)  # outside of steps nothing is kept
    assert len(asked) == 4
    assert not references._read


def test_the_master_key_goes_into_the_keyring_where_there_is_one(household, ring, monkeypatch):
    first = Secrets(household.home).derive("x")
    content = (household.home / "master.key").read_text()
    assert content.startswith("keyring:trunkline/")
    assert (household.home / "master.key").stat().st_mode & 0o777 == 0o600
    ((place, kept),) = json.loads(Path(ring.get_keyring().path).read_text()).items()
    assert content == f"keyring:{place}\n"
    assert len(base64.b64decode(kept)) == 32
    assert Secrets(household.home).derive("x") == first
    # A keyring that does not answer is an error, and no reason for a new key.
    monkeypatch.setenv("TEST_KEYRING_LOCKED", "1")
    with pytest.raises(Error, match="does not answer"):
        Secrets(household.home).derive("x")
    assert (household.home / "master.key").read_text() == content


def test_a_changed_master_key_leaves_the_keyring_when_it_is_forgotten(household, ring):
    secrets = Secrets(household.home)
    first = secrets.derive("x")
    secrets.key.change()
    assert secrets.older("x") == [first]
    assert len(json.loads(Path(ring.get_keyring().path).read_text())) == 2
    secrets.key.forget_old()
    assert len(json.loads(Path(ring.get_keyring().path).read_text())) == 1
    assert secrets.older("x") == []
    secrets.key.forget_old()


def test_a_keyring_that_the_library_does_not_recommend_is_passed_by(household, ring, monkeypatch):
    monkeypatch.setattr(MemoryKeyring, "priority", 0.5)
    Secrets(household.home).derive("x")
    assert len((household.home / "master.key").read_bytes()) == 32
