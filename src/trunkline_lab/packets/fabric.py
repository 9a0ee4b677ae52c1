"""The whole fabric, inside the child process: wires, hosts and gateways as the plan has them, and what is asked."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Sequence
from typing import Any

from . import outages, probes
from .capture import capture
from .flood import flood
from .hosts import Hosts
from .kernel import Kernel
from .plan import Gateways, GatewayState, Plan, Unknown, inner
from .talk import talk
from .wiring import INTERNET, Layout, layout


class Fabric:
    """What the child process holds.

    Parameters:
        gateways: The routers and sites.
    """

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._kernel, self._hosts = Kernel(), Hosts()
        self._plan: Plan | None = None
        self._layout: Layout | None = None
        self._applying = threading.Lock()

    def apply(self, plan: Plan) -> bool:
        """Make the kernel match the plan. Whether there was anything to do."""
        with self._applying:
            if plan == self._plan:
                return False
            self._plan = None  # until all is done, nothing is known to stand
            wanted = layout(plan)
            try:
                self._gateways.retire(wanted.places)
                self._kernel.apply(wanted.wiring)
                self._hosts.apply(wanted.hosts)
                self._gateways.apply(plan, wanted.places)
            except BaseException:
                self._gateways.stop()  # they are begun anew with the next plan
                self._hosts.apply({})
                raise
            self._plan, self._layout = plan, wanted
            return True

    def state(self) -> tuple[GatewayState, ...]:
        """How the gateways stand."""
        return self._gateways.state()

    def hosts(self) -> dict[str, str]:
        """The address of every host, by its name."""
        return dict(self._there().addresses)

    def ping(self, source: str, target: str, count: int = 3) -> dict[str, Any]:
        """Echo requests from a host to a host or an address; see `probes.ping`."""
        return probes.ping(self._namespace(source), self._address(target), count=count)

    def curl(self, source: str, target: str, port: int = 80) -> dict[str, Any]:
        """An HTTP request from a host; see `probes.curl`."""
        return probes.curl(self._namespace(source), self._address(target), port)

    def iperf(self, source: str, target: str, seconds: float = 2.0) -> dict[str, Any]:
        """A TCP transfer from a host to a host; see `probes.iperf`."""
        return probes.iperf(self._namespace(source), self._namespace(target), self._address(target), seconds=seconds)

    def connect(self, asked: Sequence[tuple[str, str, str, int]], wait: float = 1.5) -> list[dict[str, str]]:
        """Whether each (host, protocol, host or address, port) answers; see `probes.connect`."""
        found = [(self._namespace(one), protocol, self._address(other), port) for one, protocol, other, port in asked]
        return probes.connect(found, wait=wait)

    def forge(self, source: str, address: str, target: str) -> bool:
        """Whether a datagram of host `source` gets to host `target` that claims to be from `address`."""
        return probes.forge(self._namespace(source), address, self._namespace(target), self._address(target))

    def flood(self, source: str, target: str, seconds: float = 5.0) -> dict[str, Any]:
        """Echo requests, one right after the other; see `flood.flood`."""
        return flood(self._namespace(source), self._address(target), seconds=seconds)

    def talk(
        self, source: str, target: str, seconds: float = 5.0, text: str = "hello", address: str | None = None
    ) -> dict[str, Any]:
        """One connection from a host to a host (at `address`, when that is not its own); see `talk.talk`."""
        where = self._address(address or target)
        return talk(self._namespace(source), self._namespace(target), where, seconds=seconds, text=text)

    def capture(self, seconds: float, needle: str = "") -> dict[str, Any]:
        """What passes the internet for a while; see `capture.capture`."""
        return capture(INTERNET, seconds, needle)

    def renegotiate(self, gateway: str, tunnel: str | None = None) -> None:
        """Take a tunnel, or all of a gateway, down; see `Gateways.renegotiate`."""
        self._gateways.renegotiate(gateway, tunnel)

    def strike(
        self, kind: str = "kill", router: str | None = None, link: Sequence[str] = (), zone: str | None = None
    ) -> list[str]:
        """Break a router (or site), the link between two, or all routers of a zone; see `outages`.

        Returns:
            The ids of the gateways that were struck.
        """
        plan = self._stands()
        if router is not None:
            blows = outages.at_router(plan, router, kind)
        elif zone is not None:
            blows = outages.at_zone(plan, zone, kind)
        else:
            blows = outages.at_link(plan, *link)
        for blow in blows:
            self._gateways.fault(blow.gateway, blow.kind, blow.tunnel)
        return [blow.gateway for blow in blows]

    def mend(self, router: str | None = None) -> None:
        """Undo every fault of a router or site, or of all."""
        self._gateways.mend(None if router is None else outages.gateway(self._stands(), router))

    def stop(self) -> None:
        """End every program; the namespaces end with the process."""
        self._gateways.stop()

    def _stands(self) -> Plan:
        if self._plan is None:
            raise Unknown("no plan was applied yet")
        return self._plan

    def _there(self) -> Layout:
        if self._layout is None:
            raise Unknown("no plan was applied yet")
        return self._layout

    def _namespace(self, host: str) -> str:
        hosts = self._there().hosts
        if host not in hosts:
            raise Unknown(f"host = {host!r} is unknown: there are {', '.join(sorted(hosts)) or 'none'}")
        return hosts[host]

    def _address(self, target: str) -> str:
        known = self._there().addresses.get(target)
        if known is not None:
            return known
        try:
            return inner(str(ipaddress.IPv4Address(target)))
        except ValueError:
            self._namespace(target)  # says which there are
            raise
