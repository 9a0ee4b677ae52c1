"""A fabric for tests, and federations written down in few words."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from trunkline_lab.packets.child import Child
from trunkline_lab.packets.needs import missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.path.parent.name == "packets" and item.get_closest_marker("packets")]
    if not ours:
        return
    lacking = missing()
    if lacking:
        words = "; ".join(map(str, lacking))
        if os.environ.get("TRUNKLINE_PACKETS") == "required":
            raise pytest.UsageError(f"TRUNKLINE_PACKETS=required, and real packets cannot run here: {words} missing")
        print(f"\nreal packets cannot run here, {len(ours)} tests are skipped: {words} missing", file=sys.stderr)
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=f"missing: {words}"))


@pytest.fixture(scope="module")
def fabric() -> Iterator[Child]:
    """One fabric for the tests of a file; each applies a plan of its own."""
    with Child() as child:
        yield child
