"""What the Azure tests share: the lab's Azure on loopback, an account of it, and a place to run a step at."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import trunkline.blueprints
from trunkline._core.context import Here, current
from trunkline.clouds.azure import AzureAccount, account
from trunkline_lab.azure import AzureFace
from trunkline_lab.world import FAST, PublicAddresses, World

TEMPLATES = Path(trunkline.blueprints.__file__).parent / "templates"
VPC = {
    "vpc_cidr": "10.1.0.0/16",
    "router_subnet_cidr": "10.1.0.0/24",
    "app_subnet1_cidr": "10.1.1.0/24",
    "app_subnet2_cidr": "10.1.2.0/24",
    "router_private_address": "10.1.0.10",
    "federation_address1": "203.0.113.11",
    "federation_address2": "203.0.113.12",
    "router_image": "cohesive:vns3:byol:6.0.0",
    "router_password": "a-Password-0f-the-OS",
    "name_prefix": "acme",
}
FEDERATION = {
    "federation_cidr": "10.250.0.0/16",
    "router_subnet1_cidr": "10.250.1.0/24",
    "router_subnet2_cidr": "10.250.2.0/24",
    "router1_private_address": "10.250.1.10",
    "router2_private_address": "10.250.2.10",
    "site_address": "203.0.113.1",
    "router_image": "cohesive:vns3:byol:6.0.0",
    "router_password": "a-Password-0f-the-OS",
    "name_prefix": "hub",
}
_groups = itertools.count(1)


@pytest.fixture(scope="module")
def world() -> World:
    """The lab's ground, quick."""
    return World(PublicAddresses("127.77.31"), FAST)


@pytest.fixture(scope="module")
def face(world: World) -> Iterator[AzureFace]:
    """The lab's Azure."""
    with AzureFace(world) as started:
        yield started


@pytest.fixture
def azure(face: AzureFace) -> AzureAccount:
    """An account with a resource group of its own, which is not there yet."""
    return open_account(face)


def open_account(face: AzureFace, group: str = "") -> AzureAccount:
    return account(
        "B",
        subscription=face.subscriptions[0],
        region="westeurope",
        resource_group=group or f"net-{next(_groups)}",
        endpoint=face.endpoint,
    )


@contextmanager
def at(run: str = "acme", path: str = "vpc", deadline: float | None = None, notes: list[str] | None = None) -> Any:
    """As if a pipe ran a step here."""
    token = current.set(Here(run, path, deadline, (notes if notes is not None else []).append))
    try:
        yield
    finally:
        current.reset(token)


def resources(azure: AzureAccount) -> set[str]:
    """The names of what lies in the account's resource group."""
    listed = azure.clients.resources.resources.list_by_resource_group(azure.resource_group)
    return {resource.name for resource in listed}
