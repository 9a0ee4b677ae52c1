"""The registry of router makes."""

import pytest

from trunkline._core.errors import Error
from trunkline.routers.registry import driver, kinds
from trunkline.routers.router import Driver
from trunkline.routers.vns3 import Vns3


def test_vns3_is_registered_and_is_a_driver():
    assert "vns3" in kinds()
    assert driver("vns3") is Vns3
    assert isinstance(Vns3(str, str, str, {}), Driver)


def test_an_unknown_make_is_refused_by_name():
    with pytest.raises(Error, match="'vyos' is not known") as refused:
        driver("vyos")
    assert "vns3" in refused.value.hint
