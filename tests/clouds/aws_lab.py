"""The lab's AWS for the tests of the AWS plug-in: one face a module, an account, and a VPC of its own for each test.

Half of its answers come from a replica that is behind. What the tests themselves make and look at goes past it,
through `settled`.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mypy_boto3_ec2 import EC2Client

from trunkline._core.context import Here, current
from trunkline.clouds.aws import AwsAccount, account, late
from trunkline_lab.aws import ROUTER_IMAGE, AwsFace
from trunkline_lab.aws.calls import Answer, Call, Handler
from trunkline_lab.world import FAST, PublicAddresses, World

REGION = "eu-central-1"
READ_LAG = 0.15
_settled: dict[int, EC2Client] = {}
TEMPLATES = Path(__file__).parents[2] / "src/trunkline/blueprints/templates"


@pytest.fixture(scope="module")
def face() -> Iterator[AwsFace]:
    world = World(addresses=PublicAddresses("127.91.7"), pace=FAST)
    with AwsFace(world, read_lag=READ_LAG, seed=1) as running:
        yield running


@pytest.fixture(autouse=True, scope="module")
def hurried() -> Iterator[None]:
    """The plug-in gives this lab's reads less time than AWS's: several times what they need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(late, "LAG", 4 * READ_LAG)
        yield


def open_account(face: AwsFace, number: str) -> AwsAccount:
    """An account of the lab's AWS, with keys of its own."""
    key, secret = face.credentials(number)
    assert ipaddress.ip_address(face.endpoint.split("/")[2].partition(":")[0]).is_loopback
    made = account(
        "A",
        region=REGION,
        access_key_id=key,
        secret_access_key=secret,
        endpoint=face.endpoint,
        router_image=ROUTER_IMAGE,
    )
    _settled[id(made)] = face.inside.ec2(number, REGION)
    return made


def settled(aws: AwsAccount) -> EC2Client:
    """A client of the account whose reads and writes do not lag."""
    return _settled[id(aws)]


@pytest.fixture(scope="module")
def shared(face: AwsFace) -> AwsAccount:
    return open_account(face, "100000000001")


@pytest.fixture
def aws(shared: AwsAccount) -> Iterator[AwsAccount]:
    """An account without exposures; its clients are made once a module."""
    yield shared
    for each in shared.exposures():
        shared.close(each)


@pytest.fixture
def vpc(aws: AwsAccount) -> str:
    """An empty VPC's id."""
    return settled(aws).create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def group(aws: AwsAccount, vpc: str) -> str:
    """An empty security group's id."""
    return settled(aws).create_security_group(GroupName="routers", Description="routers", VpcId=vpc)["GroupId"]


@contextmanager
def at(run: str, path: str, *, seconds: float | None = None, notes: list[str] | None = None) -> Iterator[Here]:
    """The place of a step, for calling its find, undo and preview as a recorder and a plan would."""
    deadline = None if seconds is None else time.monotonic() + seconds
    token = current.set(Here(run, path, deadline, notes.append if notes is not None else lambda text: None))
    try:
        yield current.get()
    finally:
        current.reset(token)


@contextmanager
def rule(face: AwsFace, between: Callable[[Call, Handler], Answer]) -> Iterator[None]:
    """A rule of the lab's AWS for a while: it sees every request, outermost."""
    face.gateway.rules.insert(0, between)
    try:
        yield
    finally:
        face.gateway.rules.remove(between)
