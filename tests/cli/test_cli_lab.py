"""The command line against a lab of its own, over sockets: what the clouds say is what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trunkline.clouds.aws import late
from trunkline.clouds.cloud import Rule
from trunkline.config import load

pytestmark = pytest.mark.lab


def trunkline(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trunkline.cli", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    state = tmp_path_factory.mktemp("state")
    up = trunkline("lab", "up", "--name", "cli-tests", "--pace", "fast", "--read-lag", "0.3", "--json", state=state)
    assert up.returncode == 0, up.stderr
    try:
        yield state, json.loads(up.stdout)["config"]
    finally:
        assert trunkline("lab", "down", "--name", "cli-tests", state=state).returncode == 0


def test_doctor_reaches_every_account(lab: tuple[Path, str]) -> None:
    state, config = lab
    answer = trunkline("doctor", "--config", config, "--json", state=state)
    assert answer.returncode == 0, answer.stdout
    found = {each["what"]: each["level"] for each in json.loads(answer.stdout)["findings"]}
    assert {found[f"account {name}"] for name in ("A", "A2", "B", "B2")} == {"ok"}


def test_expired_access_is_seen_and_swept_in_a_real_security_group(lab: tuple[Path, str]) -> None:
    import boto3

    state, config = lab
    loaded = load(Path(config))
    section = loaded.accounts["A"]
    client = boto3.client(
        "ec2",
        endpoint_url=str(section["endpoint"]),
        region_name=str(section["region"]),
        aws_access_key_id=str(section["access_key_id"]),
        aws_secret_access_key=str(section["secret_access_key"]),
    )
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = late.patiently(
        lambda: client.create_security_group(GroupName="routers", Description="x", VpcId=vpc), "InvalidVpcID.NotFound"
    )["GroupId"]
    rule = Rule("tcp", 8000, "127.0.0.1/32")
    now = datetime.now(UTC).replace(microsecond=0)
    account = loaded.account("A")
    account.allow(group, rule, run="old", purpose="api-access", expires=now - timedelta(minutes=1))
    account.allow(group, rule, run="new", purpose="api-access", expires=now + timedelta(minutes=9))
    words = ("--config", config, "--account", "A", "--json")

    def runs() -> list[str]:
        answer = trunkline("exposures", *words, state=state)
        return sorted(each["run"] for each in json.loads(answer.stdout)["exposures"])

    assert runs() == ["new", "old"]
    assert trunkline("sweep", *words, "--dry-run", state=state).returncode == 2
    assert trunkline("sweep", *words, state=state).returncode == 0
    assert runs() == ["new"]
    assert trunkline("sweep", *words, "--run", "new", state=state).returncode == 0
    assert runs() == []


def test_a_federation_that_is_not_there(lab: tuple[Path, str]) -> None:
    state, config = lab
    words = ("connect-vpc", "--account", "A", "--federation-account", "B", "--config", config)
    answer = trunkline("up", *words, "--progress", "quiet", state=state)
    assert answer.returncode == 1
    assert "account B has no federation named 'federation'" in answer.stderr
    assert "hint: build it first: trunkline up federation" in answer.stderr
    assert "resume:     trunkline resume connect-vpc-" in answer.stderr
