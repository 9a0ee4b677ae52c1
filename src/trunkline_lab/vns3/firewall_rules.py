"""The controller's firewall rules: an ordered list, checked as iptables would check them."""

from __future__ import annotations

import ipaddress
import shlex
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from .numbers import Numbers

_TABLES = {
    "INPUT_CUST": "filter",
    "OUTPUT_CUST": "filter",
    "FORWARD_CUST": "filter",
    "PREROUTING_CUST": "nat",
    "POSTROUTING_CUST": "nat",
}
_TARGETS = {
    *("ACCEPT", "DROP", "REJECT", "LOG", "RETURN", "MARK", "MASQUERADE", "MASQUERADE-ONCE"),
    *("SNAT", "DNAT", "NETMAP", "REDIRECT", "TCPMSS"),
}
_PROTOCOLS = {"tcp", "udp", "icmp", "esp", "ah", "gre", "all", "47", "50", "51"}


class RuleError(ValueError):
    """The rule does not parse."""


@dataclass
class FirewallRule:
    """One rule; its position is its place in the list."""

    id: str
    rule: str
    comment: str = ""
    groups: list[str] = field(default_factory=list)
    disabled: bool = False
    created: float = 0.0

    @property
    def table(self) -> str:
        """The iptables table of the rule's chain."""
        return _TABLES.get(self.rule.split()[0], "filter")


class FirewallRules:
    """The list of rules."""

    def __init__(self) -> None:
        self._rules: list[FirewallRule] = []
        self._ids = Numbers()

    def __iter__(self) -> Iterator[FirewallRule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, rule: str, position: int = -1, *, subtables: Collection[str] = (), **details: object) -> FirewallRule:
        """Insert a rule at `position`, -1 for the end. Raises RuleError when it does not parse."""
        checked = check(rule, subtables)
        new = FirewallRule(str(next(self._ids)), checked, created=time.time(), **details)  # type: ignore[arg-type]
        self._rules.insert(len(self._rules) if position < 0 else position, new)
        return new

    def find(self, wanted: Callable[[FirewallRule], bool]) -> FirewallRule | None:
        """The first rule that `wanted` accepts."""
        return next((rule for rule in self._rules if wanted(rule)), None)

    def at(self, position: int) -> FirewallRule | None:
        """The rule at a position, None outside the list."""
        return self._rules[position] if 0 <= position < len(self._rules) else None

    def position(self, rule: FirewallRule) -> int:
        """Where a rule stands."""
        return self._rules.index(rule)

    def remove(self, rule: FirewallRule) -> None:
        """Take a rule out; those behind it move up."""
        self._rules.remove(rule)

    def put_back(self, rules: Iterable[FirewallRule]) -> None:
        """Hold exactly these rules again."""
        self._rules[:] = rules

    def clear(self) -> None:
        """Take all rules out."""
        self._rules.clear()


def check(rule: str, subtables: Collection[str] = ()) -> str:
    """The rule with its blanks made single. Raises RuleError with the reason when iptables would refuse it.

    Parameters:
        rule: "CHAIN matches -j TARGET".
        subtables: Names that are chains and targets as well.
    """
    try:
        words = shlex.split(rule)
    except ValueError as error:
        raise RuleError(str(error)) from None
    if not words or words[0] not in (*_TABLES, *subtables):
        raise RuleError(f"unknown chain {words[0] if words else ''!r}, expected one of {', '.join(_TABLES)}")
    target = _value(words, "-j", "--jump")
    if target is None:
        raise RuleError("no target (-j)")
    if target not in (*_TARGETS, *subtables):
        raise RuleError(f"unknown target {target!r}")
    for value in (_value(words, "-s", "--source"), _value(words, "-d", "--destination")):
        _check_network(value)
    protocol = _value(words, "-p", "--protocol")
    if protocol is not None and protocol.lower() not in _PROTOCOLS:
        raise RuleError(f"unknown protocol {protocol!r}")
    for value in (_value(words, "--dport", "--destination-port"), _value(words, "--sport", "--source-port")):
        _check_ports(value, protocol)
    return " ".join(rule.split())


def _value(words: list[str], *names: str) -> str | None:
    for index, word in enumerate(words):
        if word in names:
            if index + 1 == len(words):
                raise RuleError(f"{word} needs a value")
            return words[index + 1]
    return None


def _check_network(value: str | None) -> None:
    if value is None:
        return
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise RuleError(f"{value!r} is no address or CIDR") from None


def _check_ports(value: str | None, protocol: str | None) -> None:
    if value is None:
        return
    if protocol not in ("tcp", "udp"):
        raise RuleError("ports need -p tcp or -p udp")
    ports = value.split(":")
    if len(ports) > 2 or not all(port.isdigit() and int(port) < 65536 for port in ports):
        raise RuleError(f"{value!r} is no port or range of ports")


def check_entry(kind: str, text: str) -> str:
    """An entry of a set of this kind ("net", "port", "service", "list"). Raises RuleError when it does not fit."""
    if kind == "net":
        try:
            return str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise RuleError(f"{text!r} is no address or CIDR") from None
    if kind == "port":
        _check_ports(text.replace("-", ":"), "tcp")
    if kind == "service":
        protocol, _, ports = text.partition(":")
        if protocol not in _PROTOCOLS or not ports:
            raise RuleError(f"{text!r} is no service: write it like tcp:443")
        _check_ports(ports.replace("-", ":"), "tcp")
    if not text.strip():
        raise RuleError("an entry is not empty")
    return text
