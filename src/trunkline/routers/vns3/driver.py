"""The driver of VNS3 controllers, through their vendor's SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from ipaddress import ip_address, ip_network
from typing import TypeVar

from trunkline._core.errors import Error
from trunkline.routers.router import Reading, Router, RouterError, Tunnel, named, require
from trunkline.routers.vns3 import access, reading, routing, setup, tunnels
from trunkline.routers.vns3.certificate import fingerprint, machine, pin_key
from trunkline.routers.vns3.session import UNREACHABLE_HINT, Api, Limits, Session
from trunkline.routers.waiting import Deadline, NotYet, note, until

T = TypeVar("T")

API_PORT = 8000


class Vns3:
    """VNS3 controllers (6.x), configured through their API.

    Every verb finds what it would make by its name before it makes it, so it may be repeated, and repeats itself
    while the router does not answer: a reboot at any point only costs its time. All verbs may be called from several
    threads. Their errors carry no password, token or pre-shared key. The SDK is imported at the first request.

    Parameters:
        license: Gives the licence's text; asked only when a router has none.
        keyset_token: Gives the token that every router of a topology is given with its keyset.
        secret: Gives the generated secret of a label, always the same ("router-password/NAME/INSTANCE").
        known: The pinned certificates; a mapping whose `setdefault` is atomic where several processes share it.
        timeout: Seconds that a wait for the router's own work may take (boot, licence, keyset, tunnel, peer).
        patience: Seconds that every other verb goes on asking a router that does not answer: about a reboot.
        connect_timeout, read_timeout: Seconds of one request: to connect, and without an answer.
        port: The API's port.
    """

    def __init__(
        self,
        license: Callable[[], str],
        keyset_token: Callable[[], str],
        secret: Callable[[str], str],
        known: MutableMapping[str, str],
        *,
        timeout: float = 600.0,
        patience: float = 120.0,
        connect_timeout: float = 5.0,
        read_timeout: float = 15.0,
        port: int = API_PORT,
    ) -> None:
        self._license, self._keyset_token, self._secret, self._known = license, keyset_token, secret, known
        self._timeout, self._patience, self._port = timeout, patience, port
        self._limits = Limits(connect_timeout, read_timeout)
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    # ── from the factory to a member of a topology ──────────────────────────────────────────────────────────────────

    def contact(self, router: Router, *, timeout: float | None = None) -> None:
        """Wait until the API answers, pin its certificate, and replace the factory password by a generated one.

        On a router that was contacted before this only waits for its API. The pin holds from then on.

        Parameters:
            router: `name`, `address`, `default_password`, and `instance` where known.
            timeout: Seconds; by default the driver's.

        Raises:
            StepTimeout: It did not answer in time; names its address and the last thing seen.
            CertificateChanged: It is not the one of first contact.
            RouterError: It knows neither the factory nor the generated password.
        """
        require(router, "address", "default_password")
        deadline = self._waiting(timeout)
        note(f"contacts {named(router)} ({router['address']})")
        self._pin(router, deadline)
        default, password = router["default_password"], self._password(router)
        self._steadily(router, deadline, lambda api: setup.take_over(api, default, password))

    def forget(self, router: Router) -> None:
        """Drop what is known of a router that is gone: its pinned certificate and every connection to it."""
        require(router, "address")
        key = pin_key(router)
        self._known.pop(key, None)
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            session.close()

    def license(self, router: Router, *, timeout: float | None = None) -> None:
        """Upload the licence, accept its default parameters, and wait for the reboot that follows.

        Does nothing on a licensed router; goes on where an earlier attempt stopped.

        Parameters:
            timeout: Seconds, reboot included; by default the driver's.
        """
        deadline = self._waiting(timeout)
        self._steadily(router, deadline, lambda api: setup.ensure_licensed(api, self._license, self._port))

    def keyset(self, router: Router, source: Router | None = None, *, timeout: float | None = None) -> None:
        """Give the router the keys of its topology: fresh ones, or those of `source`.

        A fetch is meant for a router without a licence: it brings the source's licence, too, and ends in a reboot,
        so `license` after it has nothing left to do. Fresh keys are for a licensed router. Does nothing where a
        keyset is present.

        Parameters:
            source: A router of the same topology, reached at its private address (its public one without that).
            timeout: Seconds, reboot included; by default the driver's.

        Raises:
            RouterError: The fetch failed; the router itself only says so by ending it.
        """
        deadline = self._waiting(timeout)
        self._steadily(router, deadline, lambda api: setup.ensure_keyset(api, self._keyset_token, source))

    def identity(self, router: Router, peering_id: int | None = None) -> None:
        """Set the router's number in its topology.

        Parameters:
            peering_id: 1 and up; by default the router's own `peering_id`.
        """
        number = _whole(require(router, "peering_id")["peering_id"] if peering_id is None else peering_id, "peering_id")
        self._do(router, lambda api: setup.ensure_identity(api, number))

    def peer(self, router: Router, other: Router) -> None:
        """Make `other` (`peering_id`, `private_address`) a peer of `router`. One-way: call it for both."""
        require(other, "peering_id", "private_address")
        self._do(router, lambda api: setup.ensure_peer(api, other))

    def unpeer(self, router: Router, other: Router) -> None:
        """Take back `peer`; nothing happens when it is not there."""
        require(other, "peering_id")
        self._do(router, lambda api: setup.remove_peer(api, other))

    def wait_reachable(self, router: Router, other: Router, *, timeout: float | None = None) -> None:
        """Wait until `router` says that it reaches its peer `other`.

        Raises:
            StepTimeout: Not in time; names both.
            RouterError: `other` is not a peer.
        """
        require(other, "peering_id")
        deadline = self._waiting(timeout)
        self._steadily(router, deadline, lambda api: setup.wait_reachable(api, other))

    # ── access ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def token(self, router: Router, name: str, lifetime: int) -> dict[str, object]:
        """Mint an API token that later calls of this process use; older ones of that name are gone first.

        The token is kept in memory only. When it has run out, calls go back to the generated password.

        Parameters:
            name: The token's name on the router.
            lifetime: Whole seconds until the router itself forgets it.

        Returns:
            "name" and "expires_at" as the router gives it; never the token.
        """
        seconds = _whole(lifetime, "lifetime")
        return self._do(router, lambda api: access.mint(api, name, seconds))

    def revoke_token(self, router: Router, name: str, *, timeout: float | None = None) -> None:
        """Remove every token of that name, and see them gone; nothing happens when there is none.

        Parameters:
            timeout: Seconds to go on asking a router that does not answer; by default the driver's patience. A token
                that could not be removed ends with its lifetime.
        """
        deadline = Deadline(self._patience if timeout is None else timeout)
        self._steadily(router, deadline, lambda api: access.revoke(api, name))

    # ── tunnels ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def tunnel_addresses(self, router: Router, other: Router) -> tuple[str, str]:
        """The pair of addresses inside the tunnel between the two, this router's first, each with its /30.

        What either router has already for this tunnel stays; else a /30 of 169.254.0.0/16 that follows from the two
        names, or the next that is free at both. A router without `default_password` is not ours and is not asked.
        """
        require(other, "address")
        return self._do(router, lambda api: tunnels.agreed_addresses(router, other, api, self._api_of(other, api)))

    def endpoint(
        self,
        router: Router,
        other: Router,
        *,
        secret: str,
        prefixes: Iterable[str] = (),
        local_tunnel_address: str,
        remote_tunnel_address: str,
        nat_t: bool = True,
        private_address: str | None = None,
        proposals: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """An IPsec endpoint to `other` (IKEv2, route-based, forward secrecy), found by its name "to OTHER".

        One that is there with another address, secret or proposal is updated.

        Parameters:
            secret: The pair's pre-shared key, the same at both ends.
            prefixes: What to route into the tunnel ("10.1.0.0/16").
            local_tunnel_address, remote_tunnel_address: The ends of the tunnel, of one subnet ("169.254.7.1/30").
            nat_t: Whether ESP travels in udp/4500; needed where either end has a cloud's public address.
            private_address: What `other` calls itself in IKE where that is not its public address.
            proposals: VNS3's extra configuration, such as {"phase1": "aes256-sha2_256-dh14"}; by default AES-256,
                SHA-256 and group 14 in both phases. The router's own peer id is added.

        Returns:
            "endpoint" and "tunnel": the router's ids of them.

        Raises:
            Error: A prefix or tunnel address is malformed, or the secret empty; nothing was touched.
        """
        require(router, "address")
        require(other, "address")
        if not secret:
            raise Error(f"endpoint {named(router)} to {named(other)}: secret is empty", hint="give the pair's secret")
        local = _tunnel_ends(local_tunnel_address, remote_tunnel_address)
        networks = [_prefix(prefix) for prefix in prefixes]
        wanted = tunnels.Endpoint.to(
            router,
            other,
            secret=secret,
            tunnel_address=local,
            nat_t=nat_t,
            private_address=private_address,
            proposals=proposals,
        )
        return self._do(router, lambda api: tunnels.ensure_endpoint(api, wanted, networks))

    def remove_endpoint(self, router: Router, other: Router) -> None:
        """Remove the endpoint to `other` with the routes into its tunnel; nothing happens when it is not there."""
        self._do(router, lambda api: tunnels.remove_endpoint(api, other))

    def connected(self, router: Router, other: Router, *, timeout: float | None = None) -> Tunnel:
        """Wait until `router` says that its tunnel to `other` is up, and return what it says.

        Raises:
            StepTimeout: Not in time; names both routers and the last status.
            RouterError: There is no endpoint to `other`.
        """
        require(other, "address")
        deadline = self._waiting(timeout)
        return self._steadily(router, deadline, lambda api: tunnels.wait_connected(api, other))

    def tunnels(self, router: Router) -> list[Tunnel]:
        """Every tunnel, as this router reports it now."""
        return self._do(router, tunnels.report)

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def knows(self, address: str, instance: str) -> str | None:
        """The name under which the router with this address and machine was contacted from here; None if never."""
        return next((name for name, *rest in map(str.split, self._known) if rest == [address, instance]), None)

    def read(self, router: Router, *, network: str = "", interface: str = "", timeout: float | None = None) -> Reading:
        """The router as it is now: tunnels, routes, firewall and BGP sessions. Changes nothing.

        Which neighbour taught what BGP learned is not told by the API: every session that stands is given all of it.

        Parameters:
            router: One that was contacted before.
            network, interface: The ids of its network and its interface there, which it does not know itself.
            timeout: Seconds for all of it; by default a request's own. It is not waited for.

        Raises:
            RouterUnreachable: It did not answer at once.
            RouterError: It was never contacted from here, or refuses.
        """
        limit = (self._limits.connect + self._limits.read) if timeout is None else timeout
        return reading.read(Api(self._session(router), Deadline(limit)), router, network, interface)

    # ── routes, sessions, rules ─────────────────────────────────────────────────────────────────────────────────────

    def route(
        self,
        router: Router,
        prefix: str,
        *,
        endpoint: Router | None = None,
        gateway: str | None = None,
        interface: str | None = None,
        advertise: bool = False,
        metric: int = 0,
    ) -> None:
        """Send `prefix` somewhere; routes of the same prefix that lead elsewhere are left alone.

        Parameters:
            prefix: CIDR.
            endpoint: The router at the other end of the tunnel to use; alone.
            gateway, interface: An address, and/or an interface's name ("eth0"); instead of `endpoint`.
            advertise: Whether the other routers of the topology hear of it.
            metric: Its weight; the lowest is used.
        """
        network = _prefix(prefix)
        if (endpoint is None) == (gateway is None and interface is None):
            raise Error(f"route {prefix}: give either endpoint, or gateway and/or interface", hint="one of the two")

        def ensure(api: Api) -> None:
            tunnel = None if endpoint is None else tunnels.tunnel_ids(api, tunnels.the_endpoint(api, endpoint))[0]
            into = routing.Into(tunnel, gateway, interface, advertise, metric, f"{prefix} of {named(router)}")
            routing.ensure_route(api, network, into)

        self._do(router, ensure)

    def unroute(self, router: Router, prefix: str, *, endpoint: Router | None = None) -> None:
        """Remove the routes of `prefix`; only those into the tunnel to `endpoint` when that is given."""
        network = _prefix(prefix)

        def remove(api: Api) -> None:
            only = None if endpoint is None else tunnels.find_endpoint(api, tunnels.endpoint_name(endpoint)) or {}
            numbers = None if only is None else set(map(int, only.get("tunnels") or {}))
            routing.remove_routes(api, lambda r: r.prefix == network and (numbers is None or r.tunnel in numbers))

        self._do(router, remove)

    def asn(self, router: Router) -> int:
        """The router's autonomous system number: its own `asn` where it has that key, else the licence's.

        Raises:
            RouterError: It has neither; the licence gives one.
        """
        return router["asn"] if router.get("asn") else self._do(router, routing.own_asn)

    def bgp(self, router: Router, other: Router, *, address: str, asn: int, access_list: str = "") -> None:
        """A BGP session through the tunnel to `other`, found by its address.

        The router speaks as its own `asn` where it has that key, else as the one its licence gave it.

        Parameters:
            address: The neighbour's address inside the tunnel ("169.254.7.2").
            asn: Its autonomous system, 1 to 4294967295.
            access_list: What may be exchanged, in VNS3's words ("in permit 10.1.0.0/16"); empty for no limit.
        """
        fields: dict[str, object] = {"ipaddress": _address(address), "asn": _whole(asn, "asn")}
        if access_list:
            fields["access_list"] = access_list
        if router.get("asn"):
            fields["local_asn_alias"] = router["asn"]
        self._do(router, lambda api: routing.ensure_bgp(api, tunnels.the_endpoint(api, other), fields))

    def firewall(self, router: Router, rules: Iterable[str]) -> None:
        """See to it that the firewall has these rules; missing ones are appended in order.

        Parameters:
            rules: In iptables' words ("FORWARD_CUST -s 10.1.0.0/16 -j ACCEPT").
        """
        wanted = list(rules)
        self._do(router, lambda api: routing.ensure_rules(api, wanted))

    def unfirewall(self, router: Router, rules: Iterable[str]) -> None:
        """Remove these rules from the firewall, however often they stand there; others are left alone."""
        unwanted = list(rules)
        self._do(router, lambda api: routing.remove_rules(api, unwanted))

    # ── how every verb talks ────────────────────────────────────────────────────────────────────────────────────────

    def _do(self, router: Router, verb: Callable[[Api], T]) -> T:
        return self._steadily(router, Deadline(self._patience), verb)

    def _steadily(self, router: Router, deadline: Deadline, verb: Callable[[Api], T]) -> T:
        """Run a verb, from its start again while the router does not answer."""
        api = Api(self._session(router), deadline)
        return api.until(lambda: verb(api), f"{api.who} to answer", hint=UNREACHABLE_HINT)

    def _waiting(self, timeout: float | None) -> Deadline:
        return Deadline(self._timeout if timeout is None else timeout)

    def _api_of(self, other: Router, asking: Api) -> Api | None:
        return Api(self._session(other), asking.deadline) if "default_password" in other else None

    def _session(self, router: Router) -> Session:
        key = pin_key(require(router, "address"))
        pin = self._known.get(key)
        if pin is None:
            raise RouterError(
                named(router), router["address"], "was never contacted: no certificate is pinned", hint="contact first"
            )
        with self._lock:
            if key not in self._sessions or self._sessions[key].pin != pin:
                password = self._password(router)
                self._sessions[key] = Session(router, pin, password, port=self._port, limits=self._limits)
            return self._sessions[key]

    def _pin(self, router: Router, deadline: Deadline) -> None:
        key, address = pin_key(router), router["address"]
        if key in self._known:
            return

        def shown() -> str:
            try:
                return fingerprint(address, self._port, self._limits.within(deadline)[0])
            except OSError as error:
                raise NotYet(error.strerror or str(error) or type(error).__name__) from None

        what = f"the API of {named(router)} ({address}, port {self._port})"
        self._known.setdefault(key, until(shown, what, deadline, hint=UNREACHABLE_HINT))

    def _password(self, router: Router) -> str:
        return self._secret("/".join(filter(None, ("router-password", named(router), machine(router)))))


def _prefix(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise Error(f"prefix = {text!r}: {error}", hint="give a network such as 10.1.0.0/16") from None


def _address(text: str) -> str:
    try:
        return str(ip_address(text.partition("/")[0]))
    except ValueError as error:
        raise Error(f"address = {text!r}: {error}", hint="give an address such as 169.254.7.2") from None


def _tunnel_ends(local: str, remote: str) -> str:
    """The local end, once both are known to be two addresses of one subnet."""
    from ipaddress import ip_interface

    try:
        here, there = ip_interface(local), ip_interface(remote)
    except ValueError as error:
        raise Error(f"tunnel addresses {local!r}, {remote!r}: {error}", hint="such as 169.254.7.1/30") from None
    if here.network != there.network or here.ip == there.ip:
        raise Error(f"tunnel addresses {local}, {remote}: not two of one subnet", hint="use tunnel_addresses")
    return str(here)


def _whole(value: object, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Error(f"{field} = {value!r} is no whole number from 1 up", hint=f"give {field} as a number")
    return value
