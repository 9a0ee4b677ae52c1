"""The ends of a trace, as people name them: an address, a host, an interface, a subnet, a network, a router, a site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from trunkline._core.errors import Error
from trunkline.network.model import Interface, Network, Router, Site, Subnet
from trunkline.network.prefixes import number, text
from trunkline.network.reachability.atlas import Atlas, Place, Spot, Thing
from trunkline.network.reachability.packet import short

# Clouds keep a subnet's first addresses for themselves; a host that might be takes the first free one from here on.
FIRST_HOST = 10


class UnknownEnd(Error):
    """Nothing in the federation has that name or address, or several things have."""


@dataclass(frozen=True, slots=True)
class End:
    """One end: a point in a network, a router itself, an address behind a site, or (none of them) one outside.

    Parameters:
        address: As a number.
        label: What a person calls it.
    """

    address: int
    label: str
    spot: Spot | None = None
    router: Router | None = None
    site: Site | None = None

    def __str__(self) -> str:
        return text(self.address)


def find(atlas: Atlas, name: str) -> End:
    """The end of this name.

    Parameters:
        name: An address; the id or name of an interface (a host's name), an instance, a subnet, a network, a router
            or a site; or "ACCOUNT/NETWORK:ADDRESS" or "SITE:ADDRESS", where networks have the same addresses.

    Raises:
        UnknownEnd: There is none, or there are several; those are named.
    """
    place, colon, address = name.rpartition(":")
    if colon and _is_address(address):
        found = [end for end in _at(atlas, number(address)) if place in _owners(end)]
    elif _is_address(name):
        found = list(_at(atlas, number(name)))
    else:
        found = _distinct(_named(atlas, name))
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownEnd(
            f"{name} is not one end: {', '.join(sorted(_full(end) for end in found))}",
            hint="name one of these",
        )
    if _is_address(name) and IPv4Address(name).is_global:
        return End(number(name), name)
    raise UnknownEnd(
        f"{name}: nothing in the federation has this {'address' if _is_address(name) else 'name'}",
        hint="give an address, a host, a subnet, a network, a router or a site; `trunkline network` shows them",
    )


def supposed(place: Place, subnet: Subnet) -> Spot:
    """A host that might be in a subnet: the first address that nobody has."""
    block = IPv4Network(subnet.cidr)
    first = int(block.network_address) + min(FIRST_HOST, max(block.num_addresses - 2, 0))
    last = int(block.broadcast_address)
    address = next((each for each in range(first, last) if each not in place.by_address), first)
    return Spot(place, subnet, place.by_address.get(address), address)


def of_site(site: Site) -> End:
    """A host behind a site: the first prefix's tenth address, or its first where it is small."""
    block = IPv4Network(site.prefixes[0])
    return End(int(block.network_address) + min(FIRST_HOST, block.num_addresses - 1), site.name, site=site)


def of_subnet(place: Place, subnet: Subnet) -> End:
    """A host that might be in a subnet."""
    spot = supposed(place, subnet)
    return End(spot.address, subnet.name or short(subnet.id), spot)


def plain_subnets(atlas: Atlas, place: Place) -> list[Subnet]:
    """The subnets in which no router stands; all of them where a router stands in each."""
    standing = {each.subnet for each in place.network.interfaces if each.id in atlas.router_of}
    return [subnet for subnet in place.network.subnets if subnet.id not in standing] or [*place.network.subnets]


def _is_address(name: str) -> bool:
    try:
        IPv4Address(name)
    except ValueError:
        return False
    return True


def _at(atlas: Atlas, address: int) -> Iterator[End]:
    """Everything that has this address, public or private."""
    label = text(address)
    if address in atlas.public:
        place, interface = atlas.public[address]
        spot = atlas.spot(place, number(interface.private_address))
        yield End(address, label, spot)
        return
    gateway = atlas.gateways.get(label)
    if gateway is not None:
        yield End(address, label, router=gateway) if isinstance(gateway, Router) else End(address, label)
        return
    for place in dict.fromkeys(atlas.networks_by_prefix.all(address)):
        found = atlas.spot(place, address)
        yield _end(atlas, found, label) if found else End(address, label)  # none: no subnet holds it
    for site in dict.fromkeys(site.name for _, site in atlas.sites_by_prefix.all(address)):
        yield End(address, label, site=atlas.sites[site])


def _end(atlas: Atlas, spot: Spot, label: str) -> End:
    router = atlas.router_of.get(spot.interface.id) if spot.interface else None
    return End(spot.address, label, router=router) if router else End(spot.address, label, spot)


# What a name means where several kinds of things have it: a router, rather than the subnet that it stands in.
_FIRST: tuple[type, ...] = (Site, Router, Interface, Network, Subnet)


def _named(atlas: Atlas, name: str) -> Iterator[End]:
    found = atlas.names.get(name, ())
    for kind in _FIRST:
        if mine := [_thing(atlas, place, thing) for place, thing in found if isinstance(thing, kind)]:
            yield from filter(None, mine)
            return


def _thing(atlas: Atlas, place: Place | None, thing: Thing) -> End | None:
    if isinstance(thing, Site):
        return of_site(thing)
    if isinstance(thing, Router):
        return End(number(thing.private_address), thing.name, router=thing)
    assert place is not None
    if isinstance(thing, Network):
        return of_subnet(place, plain_subnets(atlas, place)[0]) if thing.subnets else None
    if isinstance(thing, Subnet):
        return of_subnet(place, thing)
    spot = atlas.spot(place, number(thing.private_address))
    return _end(atlas, spot, thing.name or thing.id) if spot else None


def _distinct(ends: Iterator[End]) -> list[End]:
    """A router is found as itself, as its interface and as its instance: that is one end."""
    return list({(end.address, _full(end)): end for end in ends}.values())


def _owners(end: End) -> tuple[str, ...]:
    """The ways to write whose address an end is."""
    if end.site is not None:
        return (end.site.name,)
    network = end.spot.place.network if end.spot else None
    if network is not None:
        return (f"{network.account}/{network.name}", f"{network.account}/{network.id}", network.name, network.id)
    return (end.router.network, end.router.name) if end.router else ()


def _full(end: End) -> str:
    owners = _owners(end)
    return f"{owners[0] or owners[1]}:{text(end.address)}" if owners else text(end.address)
