"""Rotation through the command line: old passwords are refused, tunnels are up with new secrets, nothing is doubled."""

import base64
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from trunkline.durable.secrets import Secrets
from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST

TRUNKLINE = str(Path(sys.executable).with_name("trunkline"))
CONNECT = ("up", "connect-vpc", "--account", "A", "--federation-account", "B", "--federation", "fednet")
ROUTERS = {"fednet-router-1", "fednet-router-2", "acme-router"}


class House:
    """A lab with a federation and a VPC connected to it, and what their secrets are."""

    def __init__(self, lab):
        self.lab, self.config = lab, lab.config
        self.environment = {**os.environ, "CI": "true", "TRUNKLINE_CONFIG": str(lab.config)}
        self.environment.pop("TRUNKLINE_MASTER_KEY", None)
        self.secrets = Secrets(self.config.parent / "home")
        self("up", "federation", "--name", "fednet", "--account", "B")
        self("sweep")  # what a region comes with is there once somebody has asked it for something
        self.outputs = self.json(*CONNECT, "--name", "acme")["outputs"]
        hubs = {each["name"]: each for each in self.outputs["federation"]}
        mine = {"name": "acme-router", "instance": self.outputs["router_instance_id"]}
        self.routers = {**hubs, "acme-router": {**mine, "address": self.outputs["router_address"]}}

    def __call__(self, *words, expect=0, command=(TRUNKLINE,), **environment):
        done = subprocess.run(
            [*command, *words], env=self.environment | environment, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == expect, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    def json(self, *words, expect=0):
        return json.loads(self(*words, "--json", expect=expect).stdout)

    def passwords(self):
        """What is in force for each router, as the master key and the generations have it."""
        return {
            name: self.secrets.derive(f"router-password/{name}/{router['instance']}")
            for name, router in self.routers.items()
        }

    def accepts(self, name, password):
        """Whether the router lets this password in. Its API must be open."""
        token = base64.b64encode(f"api:{password.reveal()}".encode()).decode()
        request = urllib.request.Request(
            f"https://{self.routers[name]['address']}:8000/api/config", headers={"Authorization": f"Basic {token}"}
        )
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        end = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(request, context=context, timeout=10):
                    return True
            except urllib.error.HTTPError as error:
                if error.code != 401:
                    raise
                return False
            except urllib.error.URLError:  # a door that was just opened, or a router that has just taken its password
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def opened(self):
        """A door to every router's API, through the clouds' own verbs."""
        return Door(self)

    def tunnels(self):
        """What both ends say: the same command again reads it from the routers."""
        return [end["connected"] for end in self.json(*CONNECT, "--name", "acme")["outputs"]["tunnels"]]

    def audit(self):
        """Names of all that exists, for comparing; nothing doubled, orphaned or open."""
        audit = self.lab.audit().plain()
        assert (audit["duplicates"], audit["orphans"], audit["open_access"]) == ([], [], [])
        return sorted((each["kind"], each["name"]) for each in audit["things"])


class Door:
    def __init__(self, house):
        from trunkline.clouds.cloud import Rule
        from trunkline.config import load

        config, self.rule = load(house.config), Rule("tcp", 8000, "127.0.0.1/32")
        a, b = config.account("A"), config.account("B")
        self.doors = [(a, house.outputs["router_group_id"]), (b, house.outputs["federation_group_id"])]
        self.route = (a, house.outputs["router_route_table_id"])
        self.gateway = house.outputs["internet_gateway_id"]

    def __enter__(self):
        for account, group in self.doors:
            account.allow(group, self.rule, run="test", purpose="test")
        account, table = self.route
        ec2 = account.session.ec2
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="127.0.0.1/32", GatewayId=self.gateway)

    def __exit__(self, *_):
        account, table = self.route
        account.session.ec2.delete_route(RouteTableId=table, DestinationCidrBlock="127.0.0.1/32")
        for account, group in self.doors:
            account.revoke(group, self.rule, run="test", purpose="test")


@pytest.fixture(scope="module")
def house():
    with Lab(pace=FAST) as lab:
        yield House(lab)


@pytest.mark.lab
def test_after_a_rotation_the_old_passwords_are_refused_and_the_tunnels_are_up(house):
    before, existed = house.passwords(), house.audit()
    assert house.json("secrets", "rotate") == {
        "version": "1.0", "rotated": ["fednet", "acme"], "failed": {}, "cannot": [],
    }  # fmt: skip
    after = house.passwords()
    assert not set(before.values()) & set(after.values())
    with house.opened():
        for name in ROUTERS:
            assert house.accepts(name, after[name]), name
            assert not house.accepts(name, before[name]), name
    assert house.tunnels() == [True] * 4
    assert house.audit() == existed  # the same things, no more
    assert house.json("secrets", "status")["pending"] == []
    assert house.json("exposures")["exposures"] == []


@pytest.mark.lab
def test_a_new_master_key_changes_every_secret_and_the_old_key_is_gone(house):
    before, existed = house.passwords(), house.audit()
    house("secrets", "rekey")
    after = house.passwords()
    assert not set(before.values()) & set(after.values())
    with house.opened():
        for name in ROUTERS:
            assert house.accepts(name, after[name])
            assert not house.accepts(name, before[name])
    assert [path.name for path in (house.config.parent / "home").glob("master.key*")] == ["master.key"]
    assert house.tunnels() == [True] * 4
    assert house.audit() == existed


@pytest.mark.lab
def test_a_run_that_never_reached_a_router_has_nothing_to_rotate_and_holds_no_old_key(house):
    house("up", "federation", "--name", "refused", "--account", "B", expect=1)  # fednet has the block
    done = house("secrets", "rotate", "--run", "refused", expect=1)
    assert done.stdout == "rotated: none\n"
    assert "refused: it has not reached a router yet" in done.stderr
    house("secrets", "rekey")
    assert [path.name for path in (house.config.parent / "home").glob("master.key*")] == ["master.key"]
    house("undo", "refused")


def killed_then_resumed(house, point):
    before, existed = house.passwords(), house.audit()
    dying = (sys.executable, str(Path(__file__).with_name("dies_while_rotating.py")))
    house("secrets", "rotate", "--run", "acme", command=dying, expect=-9, KILL_AT=point)
    # Whoever comes first makes it whole: here the main job itself, with secrets that are half-way. What the dead run
    # left open is swept before.
    house("sweep")
    assert house.tunnels() == [True] * 4
    house("secrets", "rotate", "--run", "acme")
    after = house.passwords()
    assert after["acme-router"] not in before.values()
    assert {name: after[name] for name in ROUTERS - {"acme-router"}} == {
        name: before[name] for name in ROUTERS - {"acme-router"}
    }
    with house.opened():
        assert house.accepts("acme-router", after["acme-router"])
        assert not house.accepts("acme-router", before["acme-router"])
    assert house.json("secrets", "status")["pending"] == []
    assert house.tunnels() == [True] * 4
    assert house.audit() == existed


@pytest.mark.lab
def test_a_rotation_that_is_killed_between_two_ends_of_a_tunnel_goes_on(house):
    killed_then_resumed(house, "endpoint:1")


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.parametrize(
    "point",
    ["advance:1", "contact:1", "settle:1", "advance:2", "contact:2", "endpoint:2", "settle:2", "advance:3", "settle:3"],
)
def test_a_rotation_that_is_killed_anywhere_goes_on(house, point):
    killed_then_resumed(house, point)


@pytest.mark.lab
def test_what_cannot_be_rotated_is_said(house):
    done = house("secrets", "rotate", "--run", "nobody", expect=1)
    assert "there is no run 'nobody'" in done.stderr
