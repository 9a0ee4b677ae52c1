import contextlib
from dataclasses import replace

import pytest

pytest.register_assert_rewrite("vns3_rig")
from vns3_rig import QUICK, Rig  # noqa: E402


@pytest.fixture
def rig():
    with contextlib.closing(Rig(QUICK)) as made:
        yield made


@pytest.fixture
def slow_rig():
    """For what must be seen during an outage."""
    with contextlib.closing(Rig(replace(QUICK, reboot=0.4))) as made:
        yield made
