"""Accounts from sections of the configuration, and what is told about a wrong one."""

import subprocess
import sys

import pytest

from trunkline import Error
from trunkline.clouds.cloud import Account
from trunkline.clouds.names import kind_of, slug, state_key
from trunkline.clouds.registry import clouds, open_account


def test_both_clouds_are_installed():
    assert {"aws", "azure"} <= set(clouds())


def test_a_section_becomes_an_account():
    account = open_account(
        "A", {"cloud": "aws", "region": "eu-central-1", "router_image": "ami-1", "router_size": "t3.large"}
    )
    assert isinstance(account, Account)
    assert (account.name, account.cloud, account.region) == ("A", "aws", "eu-central-1")
    assert (account.router_image, account.router_size) == ("ami-1", "t3.large")


@pytest.mark.parametrize(
    ("section", "message", "hint"),
    [
        ({}, "account A: the field 'cloud' is missing", "aws, azure"),
        ({"cloud": "asw"}, "account A: cloud = 'asw' is not known", "did you mean 'aws'?"),
        ({"cloud": ["aws"]}, "account A: cloud = ['aws'] is not known", "'aws'"),
        ({"cloud": "aws"}, "account A: the field 'region' is missing", "region must be given"),
        ({"cloud": "aws", "regoin": "x"}, "account A: the field 'regoin' is not known", "did you mean 'region'?"),
        ({"cloud": "aws", "region": 3}, "account A: region = 3 is int", "it must be text"),
        ({"cloud": "aws", "region": ""}, "account A: region is empty", "leave the field out"),
        (
            {"cloud": "aws", "region": "r", "access_key_id": "k"},
            "account A: access_key_id and secret_access_key go together",
            "both, or neither",
        ),
        (
            {"cloud": "aws", "region": "r", "endpoint": "http://192.0.2.1:8000"},
            "account A: endpoint = 'http://192.0.2.1:8000' would send requests unencrypted",
            "https",
        ),
        ({"cloud": "aws", "region": "r", "endpoint": "aws"}, "account A: endpoint = 'aws' is not an address", "https"),
        ({"cloud": "aws", "region": "r", "endpoint": "http://127.0.0.1:99999"}, "99999' is not an address", "https"),
        ({"cloud": "aws", "region": "r", "endpoint": "http://[::1"}, "'http://[::1' is not an address", "https"),
        (
            {
                "cloud": "azure",
                "subscription": "s",
                "region": "r",
                "resource_group": "g",
                "endpoint": "https://host:99999",
            },
            "'https://host:99999' is no http(s) address",
            "https",
        ),
        (
            {"cloud": "aws", "region": "r", "external_id": "x"},
            "account A: external_id = 'x' without role_arn",
            "role_arn",
        ),
    ],
)
def test_a_wrong_section_is_refused_by_field_and_value(section, message, hint):
    with pytest.raises(Error) as raised:
        open_account("A", section)
    assert message in str(raised.value)
    assert hint in raised.value.hint


def test_a_secret_is_never_shown():
    for field in ("secret_access_key", "secret_acess_key", "sercet_acces_kye", "Passwort"):
        with pytest.raises(Error) as raised:
            open_account("A", {"cloud": "aws", "region": "r", field: 12345678})
        assert "12345678" not in str(raised.value)
    assert "wJal" not in repr(open_account("A", {"cloud": "aws", "region": "r", "profile": "wJal"}))


def test_opening_an_account_loads_no_sdk():
    program = (
        "import sys; from trunkline.clouds.registry import open_account;"
        "open_account('A', {'cloud': 'aws', 'region': 'r'});"
        "sys.exit(str([name for name in sys.modules if name.partition('.')[0] in ('boto3', 'botocore', 'azure')])"
        " if {'boto3', 'botocore', 'azure'} & sys.modules.keys() else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("VpcCidr", "vpc_cidr"),
        ("vpcCidr", "vpc_cidr"),
        ("AppSubnet1Cidr", "app_subnet1_cidr"),
        ("Router1Address", "router1_address"),
        ("FederationAddress2", "federation_address2"),
        ("VPCId", "vpc_id"),
        ("VNS3PublicIp", "vns3_public_ip"),
        ("plain", "plain"),
        ("already_so", "already_so"),
    ],
)
def test_state_keys(name, key):
    assert state_key(name) == key


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("VpcCidr", "cidr"),
        ("RouterSubnet1Cidr", "cidr"),
        ("AllowedCidrs", "cidrs"),
        ("FederationAddress1", "address"),
        ("dnsAddresses", "addresses"),
        ("CallerPrefix", "cidr"),
        ("NamePrefix", "str"),
        ("namePrefix", "str"),
        ("EmailAddress", "str"),
        ("RouterImage", "str"),
    ],
)
def test_kinds_by_the_names_ending(name, kind):
    assert kind_of(name) == kind


def test_slugs_are_names_and_never_shared():
    def made(*parts):
        return slug(*parts, allowed="A-Za-z0-9", longest=40)

    assert made("trunkline", "vpc") == "trunkline-vpc"
    many = [("a", "b-c"), ("a-b", "c"), ("a", "b", "c"), ("a", "b/c"), ("a", "b c"), ("x" * 50,), ("x" * 51,), ("/",)]
    names = [made(*parts) for parts in many]
    assert len(set(names)) == len(many)
    assert all(len(name) <= 40 and not name.startswith("-") for name in names)
    assert made("run 1", "a/[b]") == made("run 1", "a/[b]")
