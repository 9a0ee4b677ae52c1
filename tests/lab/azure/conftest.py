"""Fixtures: a face at pace zero, and the official SDKs on it over real sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab_azure import GROUP, REGION, ZERO, Clients, Deploy, connect, deploy_with

from trunkline_lab.azure import AzureFace
from trunkline_lab.world import PublicAddresses, World


@pytest.fixture
def world() -> World:
    return World(PublicAddresses("127.77.7"), ZERO)


@pytest.fixture
def face(world: World) -> Iterator[AzureFace]:
    with AzureFace(world) as face:
        yield face


@pytest.fixture
def clients(face: AzureFace) -> Clients:
    found = connect(face)
    found.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
    return found


@pytest.fixture
def deploy(clients: Clients) -> Deploy:
    return deploy_with(clients)
