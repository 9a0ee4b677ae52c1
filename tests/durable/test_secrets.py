"""Derived secrets, references, and pinned certificates."""

import base64
import multiprocessing
import os
import stat
import string
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline._core.errors import Error
from trunkline.durable.secrets import KnownRouters, Secret, Secrets, resolve

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def no_master_key_in_the_environment(monkeypatch):
    monkeypatch.delenv("TRUNKLINE_MASTER_KEY", raising=False)


def test_the_same_label_gives_the_same_secret_in_another_process_life(tmp_path):
    first = Secrets(tmp_path / "home").derive("router-password/a/i-1")
    assert Secrets(tmp_path / "home").derive("router-password/a/i-1") == first
    assert Secrets(tmp_path / "home").derive("router-password/a/i-2") != first
    assert Secrets(tmp_path / "other").derive("router-password/a/i-1") != first


def test_the_known_answer_never_changes(monkeypatch, tmp_path):
    """A change of the derivation would lock everybody out of every router."""
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    secrets = Secrets(tmp_path)
    assert str(secrets.derive("router-password/acme/vpc/i-0abc")) == "rtLg5-Y5AS-_C5U9auz9izzytC2cWUss"
    assert str(secrets.derive("psk", length=12, alphabet="01")) == "001011110001"
    assert not (tmp_path / "master.key").exists()


def test_length_and_alphabet_are_part_of_the_label(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    secrets = Secrets(tmp_path)
    assert not secrets.derive("x", length=40).startswith(secrets.derive("x", length=20))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(label=st.text(), length=st.integers(12, 72))
def test_every_secret_passes_the_password_rules(label, length):
    os.environ["TRUNKLINE_MASTER_KEY"] = KEY
    try:
        secret = Secrets(Path("/nonexistent")).derive(label, length=length)
    finally:
        del os.environ["TRUNKLINE_MASTER_KEY"]
    assert len(secret) == length
    for kind in (string.ascii_uppercase, string.ascii_lowercase, string.digits, "-_."):
        assert set(secret) & set(kind)
    assert not set(secret) & set("0Oo1lI")


def test_every_character_is_drawn_about_equally_often(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    drawn = "".join(Secrets(tmp_path).derive(str(n), length=64, alphabet="abcdefghij") for n in range(200))
    counts = [drawn.count(c) for c in "abcdefghij"]
    assert min(counts) > 1100
    assert max(counts) < 1460  # 1280 expected, standard deviation 34


@pytest.mark.parametrize(("length", "alphabet"), [(11, "abc"), (12, "a"), (12, "aab")])
def test_weak_requests_are_refused(tmp_path, length, alphabet):
    with pytest.raises(Error, match="secret x"):
        Secrets(tmp_path).derive("x", length=length, alphabet=alphabet)


def test_the_master_key_is_private(tmp_path):
    home = tmp_path / "a" / "home"
    Secrets(home).derive("x")
    key = home / "master.key"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32
    assert [p.name for p in home.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_master_key_that_others_may_read_is_refused(tmp_path, mode):
    Secrets(tmp_path).derive("x")
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(Error, match=f"{mode:04o}") as refused:
        Secrets(tmp_path).derive("x")
    assert "chmod 600" in refused.value.hint


def test_a_damaged_master_key_is_refused_and_not_replaced(tmp_path):
    (tmp_path / "master.key").write_bytes(b"short")
    (tmp_path / "master.key").chmod(0o600)
    with pytest.raises(Error, match="5 bytes instead of 32"):
        Secrets(tmp_path).derive("x")
    assert (tmp_path / "master.key").read_bytes() == b"short"


def test_a_directory_that_others_may_write_is_refused(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(Error, match="others may write"):
        Secrets(home).derive("x")


@pytest.mark.parametrize("value", ["", "not base64!", base64.b64encode(b"short").decode()])
def test_a_malformed_key_in_the_environment_is_refused_without_showing_it(monkeypatch, tmp_path, value):
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", value)
    with pytest.raises(Error, match="TRUNKLINE_MASTER_KEY is not base64") as refused:
        Secrets(tmp_path).derive("x")
    assert not value or value not in str(refused.value)


def _derive(home, barrier, answers):
    barrier.wait(20)
    answers.put(str(Secrets(home).derive("x")))


def test_processes_that_make_the_key_at_once_agree(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(8), context.Queue()
    workers = [context.Process(target=_derive, args=(tmp_path / "home", barrier, answers)) for _ in range(8)]
    for worker in workers:
        worker.start()
    assert len({answers.get(timeout=20) for _ in workers}) == 1
    for worker in workers:
        worker.join(10)


def test_a_secret_does_not_show_itself():
    secret = Secret("hunter2")
    assert "hunter2" not in repr(secret)
    assert "hunter2" not in repr({"password": secret})
    assert secret == "hunter2"
    assert f"{secret}" == "hunter2"


def test_references(monkeypatch, tmp_path):
    monkeypatch.setenv("MY_LICENSE", "text")
    path = tmp_path / "token"
    path.write_text("line\n")
    path.chmod(0o600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve("env:MY_LICENSE") == "text"
        assert resolve(f"file:{path}") == "line"


def test_a_file_that_everyone_may_read_warns(tmp_path):
    path = tmp_path / "token"
    path.write_text("value")
    path.chmod(0o644)
    with pytest.warns(UserWarning, match="chmod 600"):
        assert resolve(f"file:{path}") == "value"


@pytest.mark.parametrize("reference", ["hunter2", "env:", "file:", "vault:hunter2", ""])
def test_a_literal_is_refused_without_showing_it(reference):
    with pytest.raises(Error, match="literal") as refused:
        resolve(reference)
    assert "hunter2" not in str(refused.value) + str(refused.value.hint)


def test_what_a_reference_names_must_be_there(monkeypatch, tmp_path):
    monkeypatch.delenv("NO_SUCH_THING", raising=False)
    with pytest.raises(Error, match="NO_SUCH_THING is not set"):
        resolve("env:NO_SUCH_THING")
    with pytest.raises(Error, match="No such file"):
        resolve(f"file:{tmp_path}/missing")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "empty").chmod(0o600)
    with pytest.raises(Error, match="empty"):
        resolve(f"file:{tmp_path}/empty")


def test_pins_outlive_the_object_and_are_forgotten_on_demand(tmp_path):
    KnownRouters(tmp_path)["a 127.0.0.1"] = "aa"
    known = KnownRouters(tmp_path)
    assert dict(known) == {"a 127.0.0.1": "aa"}
    assert known.setdefault("a 127.0.0.1", "bb") == "aa"
    del known["a 127.0.0.1"]
    assert len(KnownRouters(tmp_path)) == 0
    with pytest.raises(KeyError):
        del known["a 127.0.0.1"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_pins_made_at_once_are_all_kept(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: KnownRouters(tmp_path).setdefault(f"r{n}", str(n)), range(40)))
    assert dict(KnownRouters(tmp_path)) == {f"r{n}": str(n) for n in range(40)}


def test_a_damaged_file_of_pins_is_refused(tmp_path):
    KnownRouters(tmp_path).path.write_text("{")
    with pytest.raises(Error, match="not JSON"):
        KnownRouters(tmp_path).get("a")
