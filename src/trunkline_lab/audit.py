"""The audit: all that exists in a lab, who made it, and every call in order; and what a judge asks of them.

It looks at the faces' own state, past their APIs: no rule, no fault and no lag stands between.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .faults import Fired

_WORLD = {"0.0.0.0/0", "::/0", "*", "internet", "any"}
_PRIVATE = [ipaddress.ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
_API_PORT = 8000
_RUN = re.compile(r"\brun=(?P<run>\S+)(?:\s|$)")


@dataclass(frozen=True)
class Maker:
    """Who made something, as far as it can be told.

    Parameters:
        run, path, token: As trunkline writes them on what it makes; "" where nothing is written.
        stack: The id of the stack or deployment that it belongs to or came from, "" for none.
        part: Its name in that stack.
        owned: Whether that stack stands and has it as its present resource.
    """

    run: str = ""
    path: str = ""
    token: str = ""
    stack: str = ""
    part: str = ""
    owned: bool = False


@dataclass(frozen=True)
class Thing:
    """One thing that exists.

    Parameters:
        face: "aws", "azure" or "vns3".
        account: The account's number, the subscription, or that of a router's machine.
        region: Where it is; "" on routers.
        kind: Such as "vpc", "stack", "Microsoft.Network/virtualNetworks", "endpoint".
        id: Unique with face, account, region and kind.
        name: What a person calls it, "" where it has no name.
        within: The id of what it is a part of: a rule's group, an endpoint's router; "" for none.
        maker: Who made it.
        given: Whether it does not count: a default of the cloud's, what comes with something else, or what is gone
            and only shown for a while (a terminated instance).
        details: What tells it from others of its kind, and what a judge needs of it.
    """

    face: str
    account: str
    region: str
    kind: str
    id: str
    name: str = ""
    within: str = ""
    maker: Maker = Maker()
    given: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.face} {self.kind} {self.name or self.id}"


@dataclass(frozen=True)
class Entry:
    """One call: when (epoch seconds), at which face, by whom (account or client), what, how it ended.

    `outcome` is what the face did: "ok", a code, or a status. `fault` tells of a fault that showed the caller
    something else. `via` is the service for which it was made, "" for the caller's own.
    """

    at: float
    face: str
    who: str
    call: str
    outcome: str
    via: str = ""
    where: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Finding:
    """What a judge objects to: why, and the things."""

    why: str
    things: tuple[Thing, ...]

    def __str__(self) -> str:
        return f"{self.why}: {', '.join(map(str, self.things))}"


@dataclass(frozen=True)
class Audit:
    """A lab at one moment.

    Parameters:
        things: All that exists.
        calls: Every call, in order of arrival.
        faults: Every fault that struck, in order.
    """

    things: tuple[Thing, ...]
    calls: tuple[Entry, ...]
    faults: tuple[Fired, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON, findings included."""
        return {
            "things": [asdict(thing) for thing in self.things],
            "calls": [asdict(entry) for entry in self.calls],
            "faults": [asdict(fired) for fired in self.faults],
            "runs": self.runs(),
            "duplicates": [_said(finding) for finding in self.duplicates()],
            "orphans": [_said(finding) for run in self.runs() for finding in self.orphans(run)],
            "open_access": [_said(finding) for finding in self.open_access()],
        }

    def runs(self) -> list[str]:
        """Every run whose mark something bears."""
        return sorted({thing.maker.run for thing in self.things if not thing.given} - {""})

    def of(self, run: str) -> list[Thing]:
        """All that bears a run's mark: what is to be gone when it was undone."""
        return [thing for thing in self.things if thing.maker.run == run and not thing.given]

    def duplicates(self) -> list[Finding]:
        """Two of what has one token or one role.

        Of a token: two resources of one kind that no stack owns, two of one part of a stack, two stacks. Of a role:
        two that do one thing at one place, whoever made them, such as two endpoints of a router to one peer.
        """
        found = _alike(self.things, "one token", _token_role)
        known = {frozenset(finding.things_seen) for finding in found}
        by_role = _alike(self.things, "one role", _role)
        return [each.finding for each in found + [one for one in by_role if frozenset(one.things_seen) not in known]]

    def orphans(self, run: str) -> list[Finding]:
        """What a run made that nobody owns: no stack that stands, and no mark by which the run itself would find it.

        A stack's own resources are owned by it; a rule, a token or a stack bears the run's mark and is owned by it. A
        resource that only its tags tie to the run, or that its stack left behind, is an orphan.
        """
        return [
            Finding(f"orphan of {run}" + (f", left by {thing.maker.stack}" if thing.maker.stack else ""), (thing,))
            for thing in self.of(run)
            if not thing.maker.owned
        ]

    def strays(self) -> list[Thing]:
        """What no stack owns and no run has marked: made by hand, or by a client that wrote no name on it."""
        return [
            thing
            for thing in self.things
            if not thing.given and not thing.maker.owned and not thing.maker.run and thing.face != "vns3"
        ]

    def open_access(self) -> list[Finding]:
        """Every way in that is meant to be short or that is too wide.

        Temporary rules; rules that let everybody in; rules for a router's API from a public address; API tokens and
        access URLs that still open; routers that still have their factory password though they are licensed.
        """
        return [Finding(why, (thing,)) for thing in self.things for why in _open(thing)]


def _said(finding: Finding) -> dict[str, Any]:
    return {"why": finding.why, "things": [{"id": t.id, "kind": t.kind, "name": t.name} for t in finding.things]}


@dataclass(frozen=True)
class _Group:
    finding: Finding
    things_seen: tuple[tuple[str, ...], ...]


def _alike(things: Iterable[Thing], why: str, key: Callable[[Thing], Hashable | None]) -> list[_Group]:
    groups: defaultdict[Hashable, list[Thing]] = defaultdict(list)
    for thing in things:
        role = None if thing.given else key(thing)
        if role is not None:
            groups[role].append(thing)
    return [
        _Group(Finding(why, tuple(each)), tuple((t.face, t.account, t.region, t.within, t.kind, t.id) for t in each))
        for each in groups.values()
        if len(each) > 1
    ]


# What one step may make several of: of these the role tells two alike, not the token.
_MANY = frozenset({"rule", "route", "endpoint", "firewall rule", "token", "subnet"})


def _token_role(thing: Thing) -> Hashable | None:
    maker = thing.maker
    if not maker.token or thing.kind in _MANY:
        return None
    if thing.details.get("shared"):  # a stack hands its tags down: their token says whose, not which
        return (maker.token, maker.stack, maker.part, thing.kind) if maker.part else None
    return (maker.token, thing.kind)


def _role(thing: Thing) -> Hashable | None:
    role = thing.details.get("role")
    return (thing.face, thing.account, thing.region, thing.within, thing.kind, role) if role else None


def _open(thing: Thing) -> Iterable[str]:
    details = thing.details
    if details.get("expires") and details.get("temporary"):
        yield f"temporary, until {details['expires']}"
    source = str(details.get("source", ""))
    if details.get("admits"):
        if source.lower() in _WORLD:
            yield f"lets everybody in: {details['admits']}"
        elif _is_public(source) and _covers(details.get("ports", ()), _API_PORT) and details.get("tcp"):
            yield f"opens tcp/{_API_PORT} to {source}"
    if details.get("opens"):
        yield f"opens until {details['expires']}"
    if details.get("factory_password") and details.get("licensed"):
        yield "has its factory password"


def _is_public(source: str) -> bool:
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return False
    return not any(network.version == private.version and network.subnet_of(private) for private in _PRIVATE)  # type: ignore[arg-type]


def _covers(ports: Iterable[Iterable[int]], port: int) -> bool:
    return any(low <= port <= high for low, high in (tuple(each) for each in ports))


def run_in(text: str) -> str:
    """The run that a rule's tag or description names ("... run=acme-10.1 ..."), "" for none."""
    found = _RUN.search(text)
    return found["run"] if found else ""
