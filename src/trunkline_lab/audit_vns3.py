"""What the lab's routers hold, and what was asked of them, for the audit."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .audit import Entry, Maker, Thing
from .vns3 import Controller, Controllers
from .world import Machine

_TOKEN = re.compile(r"^trunkline (?P<run>\S+)$")
_ROUTER = re.compile(r"^(?P<run>.+)-router$")


def things(controllers: Controllers) -> list[Thing]:
    """All routers, and all that is configured on each."""
    ends = controllers.ends()
    return controllers.thread.call(lambda: [thing for one in controllers.all() for thing in _router(one, ends)])


def calls(controllers: Controllers) -> list[Entry]:
    """Every call, also of routers that are gone."""
    return [
        Entry(
            call.at,
            "vns3",
            call.client,
            f"{call.method} {call.path.removeprefix('/api')}",
            "ok" if 0 < call.status < 400 else str(call.status) if call.status else "lost",
            where=machine.name or machine.id,
            fault=call.fault,
        )
        for machine, log in controllers.logs()
        for call in log
    ]


def _router(controller: Controller, ends: set[str]) -> Iterator[Thing]:
    machine, settings = controller.machine, controller.settings
    factory = settings.password == machine.default_password
    details = {"address": machine.public_address, "licensed": settings.licensed, "factory_password": factory}
    yield Thing("vns3", machine.account, "", "router", machine.id, machine.name, given=True, details=details)
    for number, endpoint in settings.endpoints.items():
        maker = replace(_maker(endpoint.name, endpoint.description), owned=endpoint.ipaddress in ends)
        yield _part(machine, "endpoint", number, endpoint.name, maker, role=endpoint.ipaddress)
        for peer in endpoint.bgp_peers.values():
            yield _part(machine, "bgp-peer", peer.id, peer.ipaddress, maker, role=f"{number} {peer.ipaddress}")
    for number, route in settings.routes.items():
        role = f"{route.table} {route.cidr} {route.tunnel or route.gateway} {route.interface}"
        maker = _maker(route.description)
        yield _part(machine, "route", number, route.cidr, maker, given=not route.editable, role=role)
    for rule in settings.rules:
        yield _part(machine, "firewall-rule", rule.id, rule.rule, Maker(), role=rule.rule)
    for number, told in settings.peers.items():
        yield _part(machine, "peer", number, told.address, Maker(), role=told.address)
    for kind, known in (("token", settings.tokens), ("url", settings.urls)):
        for number, access in known.items():
            found = _TOKEN.match(access.name)
            maker = Maker(run=found["run"], owned=True) if found else Maker()
            opens: dict[str, Any] = {"opens": access.valid(time.time()), "expires": round(access.expires)}
            yield _part(machine, kind, number, access.name, maker, given=False, role=access.name, **opens)


def _part(
    machine: Machine, kind: str, number: object, name: str, maker: Maker, *, given: bool = False, **details: Any
) -> Thing:
    return Thing(
        "vns3", machine.account, "", kind, f"{machine.id}/{kind}/{number}", name, machine.id, maker, given, details
    )


def _maker(*texts: str) -> Maker:
    """The run that an endpoint's or route's name or description speaks of.

    A tunnel is named after the router at its other end, and the description names both; a run's own router is called
    RUN-router. The configuration of a router is part of the router: it is owned, and goes with it; but an endpoint
    whose other end is gone is owned by nobody.
    """
    words = [word for text in texts for word in text.split() if _ROUTER.match(word)]
    found = _ROUTER.match(words[0]) if words else None
    return Maker(run=found["run"], owned=True) if found else Maker(owned=True)
