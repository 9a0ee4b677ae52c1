"""A whole lab, through the official SDKs and the configuration that it writes."""

import contextlib
import json
import stat
import time
import urllib.error
import urllib.request
from importlib.resources import files

import pytest
import urllib3
from cohesivenet import ApiException, Configuration, VNS3Client

from trunkline import Step, pipe
from trunkline.clouds.cloud import Rule
from trunkline.config import load
from trunkline_lab.control import Control
from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST

CALLER = "127.0.0.1/32"
PARAMETERS = {
    "vpc_cidr": "10.1.0.0/16",
    "router_subnet_cidr": "10.1.0.0/24",
    "app_subnet1_cidr": "10.1.1.0/24",
    "app_subnet2_cidr": "10.1.2.0/24",
    "router_private_address": "10.1.0.10",
    "name_prefix": "acme",
    "router_password": "Correct-horse-7-battery",
}


@pytest.fixture(scope="module")
def lab():
    with Lab(pace=FAST, routers=1) as made:
        yield made


@pytest.fixture(scope="module")
def config(lab):
    return load(lab.config)


def template(name, account):
    """One of the blueprints' own templates for an account's cloud."""
    kind = {"aws": "yaml", "azure": "json"}[account.cloud]
    return str(files("trunkline.blueprints") / "templates" / f"{name}.{account.cloud}.{kind}")


def vpc(config, name, lab):
    """The router's VPC in an account."""
    account = config.account(name)
    step = account.stack(template("vpc", account), name=f"vpc-{name.lower()}")
    assert isinstance(step, Step)
    federation = [lab.world.addresses.take() for _ in range(2)]
    given = {
        **PARAMETERS,
        "federation_address1": federation[0],
        "federation_address2": federation[1],
        "router_image": config.accounts[name]["router_image"],
    }
    return account, federation, pipe(given, [("vpc", step)])


def reachable(address, password):
    client = VNS3Client(Configuration(host=f"{address}:8000", username="api", password=password, verify_ssl=False))
    try:
        client.config.get_config(_request_timeout=2)
    except (urllib3.exceptions.HTTPError, ApiException):
        return False
    return True


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["A", "B"])
def test_a_stack_makes_a_router_whose_port_the_cloud_opens_and_closes(lab, config, name):
    account, federation, state = vpc(config, name, lab)
    lab.controllers.settle()
    machine = next(c.machine for c in lab.controllers.all() if c.address == state["router_address"])
    assert machine.private_address == state["router_assigned_private_address"] == "10.1.0.10"
    assert machine.default_password == state["router_default_password"]
    assert not reachable(machine.public_address, machine.default_password)

    rule = Rule("tcp", 8000, CALLER)
    account.allow(state["router_group_id"], rule, run="r", purpose="test")
    lab.controllers.settle()
    assert not reachable(machine.public_address, machine.default_password)  # no route leads back to the caller
    bootstrap = caller_route(account, state)
    pipe(state, [("bootstrap", bootstrap)])
    until(lambda: reachable(machine.public_address, machine.default_password))

    controller = next(c for c in lab.controllers.all() if c.machine.id == machine.id)
    assert controller.admits("udp", 500, federation[0])
    assert controller.admits("udp", 4500, federation[1])
    assert not controller.admits("udp", 500, "127.0.0.9")
    account.revoke(state["router_group_id"], rule, run="r", purpose="test")
    until(lambda: not reachable(machine.public_address, machine.default_password))


@pytest.mark.parametrize("name", ["A2", "B2"])
def test_a_federations_routers_reach_each_other_and_the_site(lab, config, name):
    account = config.account(name)
    given = {
        "federation_cidr": "10.200.0.0/24",
        "router_subnet1_cidr": "10.200.0.0/26",
        "router_subnet2_cidr": "10.200.0.64/26",
        "router1_private_address": "10.200.0.10",
        "router2_private_address": "10.200.0.74",
        "site_address": lab.site.address,
        "router_image": config.accounts[name]["router_image"],
        "router_password": PARAMETERS["router_password"],
        "name_prefix": "fed",
    }
    state = pipe(given, [("federation", account.stack(template("federation", account), name="federation"))])
    lab.controllers.settle()
    found = {c.address: c for c in lab.controllers.all()}
    one, two = found[state["router1_address"]], found[state["router2_address"]]
    for here, there in ((one, two), (two, one)):
        private = there.machine.private_address
        assert here.admits("tcp", 8000, private)
        assert all(here.admits("udp", port, private) for port in (1195, 1203))
        assert all(here.admits("udp", port, lab.site.address) for port in (500, 4500))
        assert not here.admits("tcp", 8000, lab.site.address)
        assert not here.admits("tcp", 8000, "127.0.0.1")


def caller_route(account, state):
    return account.stack(
        template("caller-route", account),
        name=f"caller-route-{account.name.lower()}",
        parameters={
            ("RouteTableId" if account.cloud == "aws" else "routeTableId"): state["router_route_table_id"],
            ("CallerPrefix" if account.cloud == "aws" else "callerPrefix"): CALLER,
        },
    )


def test_secrets_are_for_their_owner_only(lab):
    for file in ("license.txt", "keyset-token", "site-secret", "trunkline.toml"):
        assert stat.S_IMODE((lab.config.parent / file).stat().st_mode) == 0o600


def test_configuration_holds_all_that_a_run_needs(lab, config):
    assert sorted(config.accounts) == ["A", "A2", "B", "B2"]
    assert config.caller == CALLER
    assert config.site("datacentre").address == lab.site.address
    accounts = {config.accounts[name].get("access_key_id") for name in ("A", "A2")}
    assert len(accounts) == 2


def test_factory_fresh_router_answers(lab):
    told = next(c for c in lab.status()["controllers"] if c["account"] == "workbench")
    assert reachable(told["address"], told["default_password"])
    assert lab.calls()["vns3"]["GET /config"] >= 1


def test_control_endpoint_wants_its_token(lab):
    ended = []
    with Control(lab, lab.controllers.thread, lambda: ended.append(True)) as control:

        def ask(path, token, method="GET"):
            request = urllib.request.Request(
                control.endpoint + path, method=method, headers={"Authorization": f"Bearer {token}"}
            )
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)

        for path, method in [("/status", "GET"), ("/down", "POST")]:
            with pytest.raises(urllib.error.HTTPError, match="401"):
                ask(path, "wrong", method)
        assert ended == []
        assert ask("/status", control.token)["config"] == str(lab.config)
        assert "vns3" in ask("/calls", control.token)
        assert ask("/down", control.token, "POST") == {"down": True}
        assert ended == [True]
    with contextlib.suppress(urllib.error.URLError):
        urllib.request.urlopen(control.endpoint, timeout=2)
        pytest.fail("still listening")
