"""Derived secrets, their generations, the master key, and pinned certificates."""

import base64
import multiprocessing
import os
import stat
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline import pipe
from trunkline._core.errors import Error
from trunkline._core.secret import Secret, revealed
from trunkline.durable.generations import Generations
from trunkline.durable.known_routers import KnownRouters
from trunkline.durable.secrets import Secrets

SECRET = Secret("hunter2")
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
    assert revealed(secrets.derive("router-password/acme/vpc/i-0abc")) == "rtLg5-Y5AS-_C5U9auz9izzytC2cWUss"
    assert revealed(secrets.derive("psk", length=12, alphabet="01")) == "001011110001"
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
    answers.put(revealed(Secrets(home).derive("x")))


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
    assert "hunter2" not in f"{secret} {secret!s:>20} {'%s' % secret}"  # noqa: UP031 - logging formats like this
    assert secret == "hunter2"
    assert revealed(secret) == secret.reveal() == "hunter2"
    assert type(secret.reveal()) is str


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


def test_a_generation_is_pending_until_it_was_seen(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    secrets = Secrets(tmp_path)
    first = secrets.derive("x")
    assert secrets.older("x") == []
    assert secrets.generations.advance("x", "one") == 1
    second = secrets.derive("x")
    assert second != first
    assert secrets.older("x") == [first]
    assert secrets.generations.advance("x", "another") == 1  # never two ahead of what was seen
    secrets.generations.settle("x")
    assert secrets.older("x") == []
    assert secrets.generations.advance("x", "one") == 1  # the same rotation again, after it was seen
    assert Secrets(tmp_path).derive("x") == second
    assert secrets.generations.advance("x", "another") == 2
    assert secrets.older("x") == [second]
    assert secrets.derive("y") == Secrets(tmp_path / "elsewhere").derive("y")


def test_the_known_answer_of_a_later_generation_never_changes(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    secrets = Secrets(tmp_path)
    secrets.generations.advance("router-password/acme/vpc/i-0abc", "token")
    assert revealed(secrets.derive("router-password/acme/vpc/i-0abc")) == "JfFhkpiKmbMiKKwTxvr_EA3Mw.xnHUDu"


def test_generations_that_are_advanced_at_once_are_advanced_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda n: Generations(tmp_path).advance("x", str(n)), range(24))) == {1}


def test_generations_hold_no_secret(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    secrets = Secrets(tmp_path)
    secrets.generations.advance("x", "t")
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(files) == {"generations.json", "generations.lock"}
    for secret in (secrets.derive("x"), *secrets.older("x")):
        assert secret.encode() not in b"".join(files.values())


def test_a_changed_master_key_keeps_the_one_before_until_nothing_needs_it(tmp_path):
    secrets = Secrets(tmp_path)
    first = secrets.derive("x")
    secrets.key.change()
    second = secrets.derive("x")
    assert second != first
    assert secrets.older("x") == [first]
    secrets.key.change()  # under way: nothing more happens
    assert secrets.derive("x") == second
    secrets.generations.advance("x", "t")
    assert secrets.older("x") == [first, _as_if(secrets, 1, old=True), second]
    secrets.generations.settle("x")
    secrets.key.forget_old()
    assert secrets.older("x") == []
    assert {path.name for path in tmp_path.iterdir()} == {"master.key", "generations.json", "generations.lock"}


def _as_if(secrets, generation, old):
    from trunkline.durable.secrets import UNAMBIGUOUS, _derived

    return _derived(secrets.key.before() if old else secrets.key.current(), "x", 32, UNAMBIGUOUS, generation)


@pytest.mark.parametrize("calls", range(1, 5))
def test_a_change_of_the_master_key_that_is_cut_off_anywhere_goes_on(monkeypatch, tmp_path, calls):
    """Each file-system call of the change fails once; then it is made again."""
    secrets = Secrets(tmp_path)
    first = secrets.derive("x")
    left = [calls]

    def cut(name):
        real = getattr(os, name)

        def call(*args):
            if str(args[-1]).endswith(("master.key", "master.key.old", "master.key.next")):
                left[0] -= 1
                if left[0] == 0:
                    raise OSError("cut off")
            return real(*args)

        monkeypatch.setattr(os, name, call)

    cut("link")
    cut("replace")
    try:
        secrets.key.change()
    except OSError:
        assert first in (secrets.derive("x"), *secrets.older("x"))
        secrets.key.change()
    assert secrets.derive("x") != first
    assert secrets.older("x") == [first]


def test_a_key_of_the_environment_is_changed_by_its_owner(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    secrets = Secrets(tmp_path)
    first = secrets.derive("x")
    with pytest.raises(Error, match="only you can change that") as refused:
        secrets.key.change()
    assert "TRUNKLINE_MASTER_KEY_OLD" in refused.value.hint
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", base64.b64encode(b"n" * 32).decode())
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY_OLD", KEY)
    assert secrets.older("x") == [first]


@pytest.mark.parametrize("given", [{"a": {"b": [1, SECRET]}}, {"a": (SECRET,)}, {"key": {SECRET: 1}}])
def test_a_journal_keeps_no_secret(tmp_path, given):
    with pytest.raises(Error, match="which is a secret") as refused:
        pipe({}, [("tell", lambda state: given)], journal=tmp_path / "journal.db", run="r")
    assert "resolve that in the step" in refused.value.hint
    written = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert b"hunter2" not in written
    assert "hunter2" not in str(refused.value)
