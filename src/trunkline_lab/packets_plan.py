"""The lab as a plan for its packets: what the faces, the controllers and the datacentre are, joined in one value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trunkline.network import model
from trunkline.network.model import Federation, Interface, Network, Route, RouteTable, Subnet

from .aws import AwsFace
from .azure import AzureFace
from .packets.plan import BgpPassword, HostPlan, Plan
from .site import Site
from .vns3 import Controllers, Workbench
from .world import Machine

_TABLE = "192.168.100.0/24"  # where the workbench puts its machines


def plan(
    aws: AwsFace, azure: AzureFace, bench: Workbench, controllers: Controllers, site: Site, hosts: Sequence[HostPlan]
) -> Plan:
    """The lab as it is now.

    Parameters:
        hosts: The datacentre's hosts. Every machine of the clouds that is no router is a host too, by its name.
    """
    networks = (*aws.networks(), *azure.networks(), *_workbench(bench.machines()))
    behind = {each.instance: each.id for network in networks for each in network.interfaces if each.instance}
    read = controllers.routers(behind)
    routers = {router.interface for router, _, _ in read}
    known = {machine.id for face in (aws, azure, bench) for machine in face.machines()}
    machines = [i for n in networks for i in n.interfaces if i.instance and i.instance not in known]
    return Plan(
        Federation(
            networks=networks,
            routers=tuple(router for router, _, _ in read),
            sites=(model.Site(site.name, site.address, site.prefixes),),
        ),
        offers=(*site.offers(), *(offer for _, offers, _ in read for offer in offers)),
        hosts=(*hosts, *_hosts([each for each in machines if each.id not in routers], {host.name for host in hosts})),
        passwords=tuple(
            BgpPassword(router.id, neighbour, password)
            for router, _, passwords in read
            for neighbour, password in passwords.items()
        ),
    )


def _hosts(interfaces: Iterable[Interface], taken: set[str]) -> Iterator[HostPlan]:
    """Each machine by its name; one whose name another has already is known by its id."""
    for each in interfaces:
        name = each.name or str(each.instance)
        if name in taken:
            name = str(each.instance).rpartition("/")[2] if each.name else each.id
        taken.add(name)
        yield HostPlan(name, each.id)


def _workbench(machines: Sequence[Machine]) -> Iterator[Network]:
    """The table as a network that is open to everybody."""
    if machines:
        subnet = Subnet("table/subnet", "table", _TABLE)
        routes = (Route(_TABLE, "local"), Route("0.0.0.0/0", "internet"))
        yield Network(
            id="table",
            name="table",
            cloud="lab",
            account="workbench",
            cidrs=(_TABLE,),
            subnets=(subnet,),
            route_tables=(RouteTable("table/routes", routes, (subnet.id,)),),
            interfaces=tuple(
                Interface(f"{m.id}/eth0", subnet.id, m.private_address, m.public_address, (), True, m.id, m.name)
                for m in machines
            ),
        )
