"""Credentials and clients: whose requests they are, and what is told when nobody can sign or nobody answers."""

# ruff: noqa: F401, F811 (fixtures are imported, and are named again as parameters)

import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from aws_lab import REGION, face, hurried, open_account, rule, shared

from trunkline.clouds.aws import account, late
from trunkline.clouds.aws.session import is_loopback
from trunkline.clouds.cloud import CloudError
from trunkline_lab.aws.calls import Answer

ROLE = "arn:aws:iam::200000000002:role/network"


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """A machine where nobody is signed in."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def vpcs(account):
    return {each["VpcId"] for each in account.session.ec2.describe_vpcs()["Vpcs"]}


def test_accounts_have_credentials_of_their_own(face):
    one, two = open_account(face, "100000000003"), open_account(face, "100000000004")
    made = one.session.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert late.seen(lambda: made in vpcs(one) or None)
    assert made not in vpcs(two)


def test_a_role_is_assumed_once_and_renewed_before_it_expires(face, monkeypatch):
    key, secret = face.credentials("100000000003")
    keys = {"access_key_id": key, "secret_access_key": secret}
    # Keys of the environment must not win over the role.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    assumed = account("A", region=REGION, role_arn=ROLE, external_id="ours", endpoint=face.endpoint, **keys)
    made = assumed.session.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    found = late.patiently(lambda: assumed.session.ec2.describe_vpcs(VpcIds=[made]), "InvalidVpcID.NotFound")
    assert found["Vpcs"][0]["OwnerId"] == "200000000002"
    face.calls.clear()
    vpcs(assumed)
    assumed.exposures()
    assert "AssumeRole" not in [call.operation for call in face.calls]
    credentials = assumed.session.ec2._request_signer._credentials
    credentials._expiry_time = datetime.now(UTC) + timedelta(seconds=30)
    vpcs(assumed)
    assert [call.operation for call in face.calls].count("AssumeRole") == 1


def test_a_profile_of_the_sdks_own_files(face, tmp_path):
    key, secret = face.credentials("100000000005")
    (tmp_path / "credentials").write_text(f"[net]\naws_access_key_id={key}\naws_secret_access_key={secret}\n")
    named = account("A", region=REGION, profile="net", endpoint=face.endpoint)
    made = named.session.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]
    assert made["OwnerId"] == "100000000005"


def test_clients_are_made_once_whoever_asks(face):
    shared = open_account(face, "100000000006")
    got, gate = [], threading.Barrier(8)

    def ask():
        gate.wait()
        got.append((shared.session.ec2, shared.session.cloudformation))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(got) == 8
    assert len(set(map(id, (client for pair in got for client in pair)))) == 2


@pytest.mark.parametrize(
    ("more", "code", "hint"),
    [
        ({}, "NoCredentialsError", "AWS_PROFILE"),
        ({"profile": "nowhere"}, "ProfileNotFound", "name a profile"),
    ],
)
def test_who_is_not_signed_in_is_told_what_to_do(face, more, code, hint):
    with pytest.raises(CloudError) as raised:
        account("A", region=REGION, endpoint=face.endpoint, **more).exposures()
    assert raised.value.code == code
    assert str(raised.value).startswith("account A: looking for temporary rules: ")
    assert hint in raised.value.hint


def test_an_endpoint_that_does_not_answer_is_told_soon():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(CloudError) as raised:
        account(
            "A", region=REGION, endpoint=f"http://127.0.0.1:{port}", access_key_id="k", secret_access_key="s"
        ).exposures()
    assert raised.value.code == "EndpointConnectionError"
    assert "endpoint" in raised.value.hint
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("UnauthorizedOperation", "permission"),
        ("ExpiredToken", "aws sso login"),
        ("AuthFailure", "access_key_id"),
        ("SomethingNew", None),
    ],
)
def test_what_aws_refuses_comes_with_a_remedy_where_there_is_one(face, shared, code, hint):
    body = f"<Response><Errors><Error><Code>{code}</Code><Message>No.</Message></Error></Errors></Response>"

    def refuse(call, proceed):
        if call.operation != "DescribeSecurityGroupRules":
            return proceed(call)
        return Answer(400, (("Content-Type", "text/xml"),), body.encode())

    with rule(face, refuse), pytest.raises(CloudError) as raised:
        shared.exposures()
    assert (raised.value.code, str(raised.value)) == (
        code,
        f"account A: looking for temporary rules: No. ({code})",
    )
    assert raised.value.hint is None if hint is None else hint in raised.value.hint


def test_a_proxy_of_the_environment_is_not_asked_for_what_is_on_this_machine(face, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert open_account(face, "100000000008").exposures() == []


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [
        ("http://127.0.0.1:80", True),
        ("http://127.9.8.7", True),
        ("http://localhost:1", True),
        ("http://[::1]:80", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_loopback(endpoint, answer):
    assert is_loopback(endpoint) is answer
