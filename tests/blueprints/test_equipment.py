"""What the jobs refuse before anything is touched, and names that every cloud can write down."""

from functools import partial
from ipaddress import IPv4Network

import pytest

from trunkline._core.errors import Error
from trunkline.blueprints import connect_vpc, federation
from trunkline.blueprints.access import api_access
from trunkline.blueprints.equipment import LONGEST_NAME, checked, checked_timeout
from trunkline.clouds.azure.rules import describe
from trunkline.network.addresses import Pool


@pytest.mark.parametrize("name", ["acme", "acme-10.1", "9_lives", "x" * LONGEST_NAME])
def test_names_that_every_cloud_takes(name):
    from datetime import UTC, datetime

    assert checked(name) == name
    now = datetime.now(UTC)
    assert f"run={name} " in describe(name, "api-access", now, now)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a/b", "-a", ".a", "zürich", "a\n", "a=b", "x" * (LONGEST_NAME + 1), "x" * 300, None, 7]
)
def test_other_names_are_refused_with_the_rule(name):
    with pytest.raises(Error) as caught:
        checked(name, "federation")
    assert str(caught.value).startswith(f"federation = {name!r}")
    assert "50 at most" in caught.value.hint


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_a_timeout_that_is_none_names_its_field(seconds):
    with pytest.raises(Error, match=f"router_timeout={seconds} is no time"):
        checked_timeout(seconds, "router_timeout")


@pytest.mark.parametrize(("minutes", "says"), [(0, "too short"), (-5, "too short"), (99_999_999_999, "too long")])
def test_access_for_no_time_or_for_ever_is_refused(minutes, says):
    with pytest.raises(Error, match=f"access_minutes={minutes} is {says}"):
        api_access([], minutes=minutes, steps=[])


@pytest.mark.parametrize("job", ["connect-vpc", "federation"])
def test_a_block_that_is_too_small_is_not_taken_from_the_pool(tmp_path, job):
    pool, small = Pool(tmp_path / "pool.json", IPv4Network("10.0.0.0/8"), {}), IPv4Network("10.1.0.0/28")
    plans = {
        "federation": partial(federation.network_config, pool, small),
        "connect-vpc": partial(connect_vpc.network_config, pool, small, dict),
    }
    with pytest.raises(Error, match=r"10\.1\.0\.0/28 is too small"):
        plans[job]({"run": "acme"})
    assert pool.allocations() == {}
