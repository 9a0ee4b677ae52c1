"""A face for each test file, and an account of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from lab_aws import IMAGE, Account

from trunkline_lab.aws import AwsFace
from trunkline_lab.world import FAST, PublicAddresses, World

_numbers = itertools.count(100000000001)


@pytest.fixture(scope="module")
def world() -> World:
    return World(PublicAddresses("127.77.1"), FAST)


@pytest.fixture(scope="module")
def face(world: World) -> Iterator[AwsFace]:
    with AwsFace(world, router_image=IMAGE) as running:
        yield running


@pytest.fixture
def account(face: AwsFace) -> Account:
    return Account(face, str(next(_numbers)))
