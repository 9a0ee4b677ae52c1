import contextlib
from dataclasses import replace

import pytest
from vns3_rig import QUICK, Rig


@pytest.fixture
def rig():
    with contextlib.closing(Rig(QUICK)) as made:
        yield made


@pytest.fixture
def slow_rig():
    """For what must be seen while it lasts: an outage, a keyset in the making, a negotiation."""
    with contextlib.closing(Rig(replace(QUICK, resource=0.2, reboot=0.8, keyset=0.5))) as made:
        yield made
