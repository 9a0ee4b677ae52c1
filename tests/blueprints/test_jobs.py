"""The jobs against the whole lab: every pair of clouds, twice, and what must be refused."""

import socket
import ssl
from ipaddress import IPv4Network

import pytest

from trunkline import check, pipe
from trunkline._core.errors import Error
from trunkline._core.events import ScopeClosed
from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.equipment import stack_name
from trunkline.blueprints.federation import federation
from trunkline.clouds.cloud import StackFailed
from trunkline.config import load
from trunkline.network.addresses import Overlap
from trunkline_lab.habits import Habits
from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST

PAIRS = [("A", "B"), ("B", "A"), ("A", "A2"), ("B", "B2")]


class Site:
    """One lab, its configuration, and the federations that were built in it."""

    def __init__(self, lab):
        self.lab, self.config, self.built = lab, load(lab.config), {}

    def federation(self, account):
        if account not in self.built:
            cidr = IPv4Network(f"10.{250 + len(self.built)}.0.0/24")
            name = f"fed-{account.lower()}"
            self.built[account] = self.run(federation, name, account=self.config.account(account), cidr=cidr)
        return f"fed-{account.lower()}"

    def connect(self, name, x, y, **options):
        accounts = {"account": self.config.account(x), "federation_account": self.config.account(y)}
        return self.run(connect_vpc, name, **accounts, federation=self.federation(y), **options)

    def run(self, job, name, observers=(), **options):
        pipeline = job(self.config, name, **options)
        assert [str(p) for p in check(pipeline.steps, pipeline.data)] == []
        return pipe(pipeline.data, pipeline.steps, run=name, observers=observers)

    def exposures(self):
        return [found for name in self.config.accounts for found in self.config.account(name).exposures()]

    def effects(self):
        """How often anything was made, by service and operation: reads and logins left out."""
        reads = ("Describe", "Get", "List", "Validate", "Assume", "GET ", "HEAD ", "whatIf", "read", "list", "get")
        return {
            (service, operation): count
            for service, operations in self.lab.calls().items()
            for operation, count in operations.items()
            if not operation.startswith(reads)
        }


@pytest.fixture(scope="module")
def site():
    with Lab(pace=FAST, habits=Habits(read_lag=0.3)) as lab:
        yield Site(lab)


def served(address):
    """Whether the controller at this address answers a TLS handshake on its API's port."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((address, 8000), timeout=2) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(("x", "y"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_a_vpc_of_x_is_connected_to_a_federation_of_y(site, x, y):
    log = Log()
    state = site.connect(f"acme-{x}-{y}", x, y, observers=[log])
    name = f"acme-{x}-{y}"

    assert len(state["tunnels"]) == 4
    assert all(end["connected"] for end in state["tunnels"])
    ends = {(end["router"], end["to"]) for end in state["tunnels"]}
    hubs = [f"fed-{y.lower()}-router-{n}" for n in (1, 2)]
    assert ends == {pair for hub in hubs for pair in ((f"{name}-router", hub), (hub, f"{name}-router"))}
    assert all(tunnel["connected"] for tunnel in site.lab.site_tunnels())

    assert site.exposures() == []
    assert {event.path for event in log.events if isinstance(event, ScopeClosed)} == {
        "caller-route", "caller-route/api-access", "caller-route/api-access/api-tokens",
    }  # fmt: skip
    for address in (state["router_address"], *(hub["address"] for hub in state["federation"])):
        assert not served(address)
    assert site.config.account(x).outputs(stack_name(name, "caller-route")) is None

    network = site.config.account(x).network(state["vpc_id"])
    assert network.cidrs == (state["vpc_cidr"],)
    down = [route for table in network.route_tables for route in table.routes if route.prefix == "10.0.0.0/16"]
    assert [route.target in (state["router_interface_id"], state["router_private_address"]) for route in down] == [True]


class Log:
    def __init__(self):
        self.events = []

    def on(self, event):
        self.events.append(event)


@pytest.mark.parametrize(("x", "y"), PAIRS[:2], ids=["-".join(pair) for pair in PAIRS[:2]])
def test_a_second_run_makes_nothing_but_its_own_access(site, x, y):
    name = f"again-{x}-{y}"
    first = site.connect(name, x, y)
    before = site.effects()
    second = site.connect(name, x, y)
    assert second == first
    made = {key: count - before.get(key, 0) for key, count in site.effects().items() if count != before.get(key, 0)}
    assert not {
        key for key in made if key[1] in ("RunInstances", "CreateVpc", "CreateSecurityGroup", "AllocateAddress")
    }
    router_calls = {operation: count for (service, operation), count in made.items() if service == "vns3"}
    tokens = {key for key in router_calls if "token" in key}
    assert set(router_calls) - tokens == set(), router_calls


def test_a_second_vpc_joins_the_same_federation_beside_the_first(site):
    one = site.connect("one", "A", "B")
    two = site.connect("two", "A", "B")
    assert IPv4Network(one["vpc_cidr"]).overlaps(IPv4Network(two["vpc_cidr"])) is False
    assert all(end["connected"] for end in site.connect("one", "A", "B")["tunnels"])


def test_bgp_where_asked(site):
    state = site.connect("bgp", "A", "B", bgp=True)
    assert all(end["connected"] for end in state["tunnels"])


@pytest.mark.parametrize(
    ("cidr", "owner"),
    [("10.0.128.0/17", "datacentre"), ("10.250.0.0/20", "fed"), ("10.0.0.0/8", "datacentre")],
)
def test_an_overlapping_block_is_refused_before_anything_is_touched(site, cidr, owner):
    site.federation("B")
    before = site.effects()
    with pytest.raises(Overlap, match=owner):
        site.connect("overlap", "A", "B", cidr=IPv4Network(cidr))
    assert site.effects() == before


def test_a_block_that_the_federation_leads_elsewhere_is_refused_also_on_another_machine(site):
    taken = site.connect("theirs", "A", "B")["vpc_cidr"]
    table = site.config.home / "addresses.json"
    kept = table.read_text()
    table.unlink()  # another machine has another pool
    try:
        with pytest.raises(Overlap, match="a VPC of the federation"):
            site.connect("mine", "A", "B", cidr=IPv4Network(taken))
    finally:
        table.write_text(kept)


def test_a_federation_that_is_not_there_says_how_to_build_it(site):
    accounts = {"account": site.config.account("A"), "federation_account": site.config.account("B")}
    with pytest.raises(Error, match="has no federation named 'nowhere'") as caught:
        site.run(connect_vpc, "x", **accounts, federation="nowhere")
    assert "trunkline up federation --name nowhere" in caught.value.hint


@pytest.mark.parametrize(
    ("x", "field", "value", "resource"),
    [
        ("A", "router_image", "ami-00000000000000000", "the stack"),
        ("A", "router_size", "t9.enormous", "Router"),
        ("B", "router_image", "nobody:nothing:byol:1.0.0", "Microsoft.Compute/virtualMachines"),
    ],
)
def test_a_stack_that_fails_in_the_middle_tells_its_first_cause_and_leaves_nothing_open(
    site, monkeypatch, x, field, value, resource
):
    y = "A" if x == "B" else "B"
    name = f"broken-{field.replace('_', '-')}-{x}"
    with monkeypatch.context() as broken:
        broken.setattr(site.config.account(x), field, value)
        with pytest.raises(StackFailed) as caught:
            site.connect(name, x, y)
    assert caught.value.resource.startswith(resource)
    assert value.split(":")[0] in caught.value.reason
    assert "in step vpc" in caught.value.__notes__
    assert site.exposures() == []
    assert all(end["connected"] for end in site.connect(name, x, y)["tunnels"])  # mended, it goes through


@pytest.mark.parametrize(("field", "value"), [("access_minutes", 0), ("site", "nowhere")])
def test_options_that_make_no_sense_name_themselves(site, field, value):
    with pytest.raises(Error, match=f"{field}|{value}"):
        site.connect("x", "A", "B", **{field: value})
