"""The trace and the packets agree on random federations, each with some part left out."""

from __future__ import annotations

import os

import pytest
from comparing import compare
from random_federations import drawn

from trunkline_lab.packets.child import Child

SHAPES = int(os.environ.get("TRUNKLINE_SHAPES", "28"))
OMISSIONS = 18
pytestmark = pytest.mark.packets


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SHAPES))
def test_trace_and_packets_agree(fabric: Child, seed: int) -> None:
    wrong, count = [], 0
    for plan, without in drawn(seed, OMISSIONS):
        asked, differences = compare(fabric, plan)
        count += asked
        wrong += [f"without {', '.join(without) or 'nothing'}: {each}" for each in differences]
    assert count > 0
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong)
