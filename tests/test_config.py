"""The configuration: what is read, what is refused, and that all problems are told at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trunkline.config import ConfigError, caller_prefix, find, load

GOOD = """
from = "198.51.100.7"
home = "state"
[accounts.A]
cloud = "aws"
region = "eu-central-1"
secret_access_key = "very-secret"
[router]
kind = "vns3"
license = "file:license.txt"
keyset_token = "env:KEYSET_TOKEN"
[addresses]
pool = "10.0.0.0/8"
[sites.datacentre]
prefixes = ["10.0.0.0/16"]
address = "203.0.113.10"
secret = "file:/keys/site"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "trunkline.toml"
    path.write_text(text)
    return path


def problems(tmp_path: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    return caught.value.problems


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    assert config.caller == "198.51.100.7/32"
    assert config.home == tmp_path / "state"
    assert config.router == {
        "kind": "vns3",
        "license": f"file:{tmp_path}/license.txt",
        "keyset_token": "env:KEYSET_TOKEN",
    }
    assert config.site("datacentre").prefixes == ("10.0.0.0/16",)
    assert config.site("datacentre").secret == "file:/keys/site"
    assert config.addresses["pool"] == "10.0.0.0/8"


def test_credentials_are_not_in_its_repr(tmp_path: Path) -> None:
    assert "very-secret" not in repr(load(written(tmp_path, GOOD)))


def test_an_empty_file_is_a_configuration_without_a_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    config = load(written(tmp_path, ""))
    assert config.home == Path("/state/trunkline")
    with pytest.raises(ConfigError, match="'from' is missing") as caught:
        _ = config.caller
    assert "--from" in str(caught.value.hint)
    assert config.with_caller("198.51.100.7").caller == "198.51.100.7/32"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0.0.0", "is no computer's address"),
        ("224.0.0.1", "is no computer's address"),
        ("0.0.0.0/0", "0.0.0.0/0 would open the API to the whole internet"),
        ("::/0", "::/0 would open the API to the whole internet"),
        ("*", "whole internet"),
        ("Internet", "whole internet"),
        ("128.0.0.0/1", "wider than a /24"),
        ("2001:db8::1", "IPv6"),
        ("198.51.100.7/24", "host bits"),
        ("home", "give your own public address"),
        ("", "give your own public address"),
    ],
)
def test_a_caller_that_is_nobody_or_everybody_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        caller_prefix(text)


def test_the_whole_internet_is_refused_in_the_file_and_as_an_option(tmp_path: Path) -> None:
    assert "0.0.0.0/0 would open" in problems(tmp_path, 'from = "0.0.0.0/0"')[0]
    with pytest.raises(ConfigError, match=r"--from 0\.0\.0\.0/0: .*whole internet"):
        load(written(tmp_path, "")).with_caller("0.0.0.0/0")


def test_all_problems_are_told_at_once_with_field_value_and_remedy(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        form = "198.51.100.7"
        home = 3
        [accounts.A]
        region = "x"
        [router]
        kind = "cisco"
        license = "the licence itself"
        [addresses]
        pool = "10.0.0.1/8"
        [sites.one]
        prefixes = ["10.0.0.0/16", "10.0.0.0/33"]
        address = "gateway"
        secret = "file:"
        [sites.two]
        prefixes = ["10.0.128.0/17"]
        address = "203.0.113.10"
        secret = "env:X"
        """,
    )
    expected = [
        "form: is not known; did you mean 'from'?",
        "home = 3: must be text; give a directory",
        "accounts.A.cloud: is missing; give the cloud's name",
        "router.kind = 'cisco': is not known; the only kind is \"vns3\"",
        "router.license: must be a reference (env:..., file:..., keyring:..., generated:..., aws-sm:...",
        "router.keyset_token: is missing; give file:PATH or env:NAME",
        "addresses.pool = '10.0.0.1/8': is no IPv4 prefix",
        "sites.one.address = 'gateway': is no IPv4 address",
        "sites.one.prefixes = '10.0.0.0/33': is no IPv4 prefix",
        "sites.one.secret: must be a reference",
        "sites.two.prefixes = '10.0.128.0/17': overlaps 10.0.0.0/16 of sites.one",
    ]
    assert len(found) == len(expected)
    for one, other in zip(sorted(found), sorted(expected), strict=True):
        assert one.startswith(other)


def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path: Path) -> None:
    for value in ('"hunter2"', '["hunter2"]'):
        assert "hunter2" not in "".join(problems(tmp_path, f'[router]\nkind="vns3"\nlicense={value}'))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[addresses]\npool = "fd00::/8"', "addresses.pool = 'fd00::/8': is no IPv4 prefix"),
        ('[sites.one]\nprefixes = ["fd00::/8"]', "sites.one.prefixes = 'fd00::/8': is no IPv4 prefix"),
        ('[sites.one]\naddress = "::1"', "sites.one.address = '::1': is no IPv4 address"),
    ],
)
def test_ipv6_is_refused_where_networks_are_ipv4(tmp_path: Path, text: str, says: str) -> None:
    assert any(says in each for each in problems(tmp_path, text))


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    assert "accounts = 'A': must be a table" in problems(tmp_path, 'accounts = "A"')[0]
    assert any("sites.one = 3: must be a table" in each for each in problems(tmp_path, "[sites]\none = 3"))


def test_what_is_no_toml_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"trunkline\.toml: not TOML: .*line 2"):
        load(written(tmp_path, "[accounts]\nA = \nB = 1"))


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, here = written(tmp_path, ""), tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("TRUNKLINE_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="from the current directory") as caught:
        find()
    assert "TRUNKLINE_CONFIG" in str(caught.value.hint)
    monkeypatch.setenv("TRUNKLINE_CONFIG", str(named))
    assert find() == named
    (here / "trunkline.toml").write_text("")
    assert find() == named, "the environment is asked before the current directory"
    assert find(Path("trunkline.toml")) == here / "trunkline.toml", "and --config before both"
    monkeypatch.setenv("TRUNKLINE_CONFIG", str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=r"gone \(from \$TRUNKLINE_CONFIG\) is not a file"):
        find()


def test_an_unknown_account_or_site_names_the_nearest(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    with pytest.raises(ConfigError, match="no account 'a'") as caught:
        config.account("a")
    assert caught.value.hint == "the accounts are: A"
    with pytest.raises(ConfigError) as caught:
        config.site("datacenter")
    assert caught.value.hint == "did you mean 'datacentre'?"


def test_an_account_is_opened_once_and_its_errors_name_the_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD.replace('secret_access_key = "very-secret"', "")))
    assert config.opened == ()
    assert config.account("A") is config.account("A")
    assert config.opened == (config.account("A"),)
    bad = load(written(tmp_path, '[accounts.A]\ncloud = "awz"'))
    with pytest.raises(ConfigError, match=r"trunkline\.toml: account A: cloud = 'awz'") as caught:
        bad.account("A")
    assert "aws" in str(caught.value.hint)
