"""Rules of NSGs that trunkline adds: what a rule says about itself, and adding and removing it."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from trunkline._core.errors import Error
from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.errors import azure_errors, status_of
from trunkline.clouds.azure.ids import OURS, parse
from trunkline.clouds.azure.waiting import write
from trunkline.clouds.azure.words import word
from trunkline.clouds.cloud import CloudError, Exposure, Rule

_FIRST_PRIORITY, _LAST_PRIORITY = 300, 4094  # templates keep to below 300, and to Azure's last two, 4095 and 4096
_LONGEST_DESCRIPTION = 140  # Azure's limit
_PROTOCOLS = {"tcp": "Tcp", "udp": "Udp", "icmp": "Icmp", "any": "*"}
_WORLD = ("*", "internet", "any", "0.0.0.0/0", "::/0")
_DESCRIPTION = re.compile(
    r"trunkline run=(?P<run>\S*) purpose=(?P<purpose>\S*)(?: opened=(?P<opened>\S+) expires=(?P<expires>\S+))?"
)


class Rules:
    """Trunkline's own rules in the NSGs of one subscription.

    Parameters:
        clients: Of the subscription.
        account: The account's name, as exposures tell it.
    """

    def __init__(self, clients: Clients, account: str) -> None:
        self._clients, self._account = clients, account

    def allow(self, group: str, rule: Rule, *, run: str, purpose: str, expires: datetime | None) -> None:
        """Add the rule, or extend the one that is there; see `Account.allow`."""
        nsg, source = parse(group, "networkSecurityGroups", "group"), source_of(rule, temporary=expires is not None)
        name = rule_name(run, purpose, rule)
        rules = self._list(nsg.group, nsg.name)
        there = next((each for each in rules if each.name == name), None)
        opened = _described(there)["opened"] if there is not None else None
        description = describe(run, purpose, opened or datetime.now(UTC), expires)
        body = {
            "description": description,
            "direction": "Inbound",
            "access": "Allow",
            "protocol": _PROTOCOLS[rule.protocol],
            "sourceAddressPrefix": source,
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": str(rule.port) if rule.port else "*",
        }
        if there is not None and there.description == description and there.provisioning_state == "Succeeded":
            return
        self._put(nsg.group, nsg.name, name, body, rules, there.priority if there is not None else None)

    def revoke(self, group: str, rule: Rule, *, run: str, purpose: str) -> None:
        """Remove the rule; nothing happens when it is not there."""
        nsg = parse(group, "networkSecurityGroups", "group")
        self._delete(nsg.group, nsg.name, rule_name(run, purpose, rule))

    def exposures(self) -> list[Exposure]:
        """Every temporary rule of trunkline's in the whole subscription, whatever its region or resource group."""
        with azure_errors("list the NSGs"):
            groups = list(self._clients.network.network_security_groups.list_all())
        return [found for group in groups for found in self._exposures_of(group)]

    def close(self, exposure: Exposure) -> None:
        """Remove the rule that an exposure tells of; nothing happens when it is gone."""
        rule = parse(exposure.handle, "networkSecurityGroups", "handle")
        self._delete(rule.group, rule.name, rule.child)

    def _exposures_of(self, group: Any) -> Iterator[Exposure]:
        for rule in group.security_rules or ():
            said = _described(rule)
            if said["expires"] is None or not str(rule.name).startswith(OURS):
                continue
            yield Exposure(
                account=self._account,
                group=group.id,
                rule=_rule_of(rule),
                run=said["run"],
                purpose=said["purpose"],
                opened=said["opened"],
                expires=said["expires"],
                handle=rule.id,
            )

    def _put(
        self, group: str, nsg: str, name: str, body: dict[str, Any], rules: list[Any], priority: int | None
    ) -> None:
        """Add or change a rule; a new one takes the first free priority, and the next when another was faster."""
        from azure.mgmt.network.models import SecurityRule

        chosen = priority or _free_priority(nsg, rules, _FIRST_PRIORITY)
        while True:
            rule = SecurityRule({"properties": {**body, "priority": chosen}})
            begin = partial(self._clients.network.security_rules.begin_create_or_update, group, nsg, name, rule)
            try:
                with azure_errors(f"allow {name} in NSG {nsg}"):
                    return write(begin, f"rule {name}")
            except CloudError as error:
                if error.code != "SecurityRuleConflict" or priority is not None:
                    raise
                chosen = _free_priority(nsg, self._list(group, nsg), chosen + 1)

    def _list(self, group: str, nsg: str) -> list[Any]:
        with azure_errors(f"list the rules of NSG {nsg}"):
            return list(self._clients.network.security_rules.list(group, nsg))

    def _delete(self, group: str, nsg: str, name: str) -> None:
        begin = partial(self._clients.network.security_rules.begin_delete, group, nsg, name)
        try:
            with azure_errors(f"remove {name} from NSG {nsg}"):
                write(begin, f"the removal of rule {name}")
        except CloudError as error:
            if status_of(error) != 404:
                raise


def _free_priority(nsg: str, rules: list[Any], first: int) -> int:
    taken = {rule.priority for rule in rules if rule.direction == "Inbound"}
    for priority in range(first, _LAST_PRIORITY + 1):
        if priority not in taken:
            return priority
    raise CloudError(
        f"NSG {nsg} has no free priority from {first} to {_LAST_PRIORITY}",
        code="NoFreePriority",
        hint="remove rules that are no longer needed: trunkline sweep",
    )


def rule_name(run: str, purpose: str, rule: Rule) -> str:
    """The rule's name in its NSG: the same for the same run, purpose and rule."""
    text = "\0".join((run, purpose, rule.protocol, str(rule.port), _canonical(rule.source)))
    return OURS + hashlib.sha256(text.encode()).hexdigest()[:20]


def source_of(rule: Rule, *, temporary: bool) -> str:
    """The rule's source as Azure takes it.

    Raises:
        Error: It is no CIDR or address, the port or protocol is none, or it is the whole world and `temporary`.
    """
    if temporary and (rule.source.strip().lower() in _WORLD or _prefix_length(rule.source) == 0):
        raise Error(
            f"temporary access from {rule.source} is refused: that is everybody",
            hint="give the caller's own address, as a /32",
        )
    if rule.protocol not in _PROTOCOLS:
        raise Error(f"rule: protocol={rule.protocol!r} is unknown", hint=f"one of {', '.join(_PROTOCOLS)}")
    if not 0 <= rule.port <= 65535:
        raise Error(f"rule: port={rule.port} is not within 0 to 65535", hint="0 stands for all ports")
    if _prefix_length(rule.source) is None:
        raise Error(f"rule: source={rule.source!r} is no CIDR", hint='like "203.0.113.7/32"')
    return _canonical(rule.source)


def describe(run: str, purpose: str, opened: datetime, expires: datetime | None) -> str:
    """What a rule says about itself, readable for people and for `exposures`.

    Raises:
        Error: Run and purpose are too long for Azure's 140 characters, or `expires` has no time zone.
    """
    words = f"trunkline run={_word(run)} purpose={_word(purpose)}"
    if expires is not None:
        if expires.tzinfo is None:
            raise Error(f"expires={expires} has no time zone", hint="datetime.now(UTC) + timedelta(...)")
        words += f" opened={_stamp(opened)} expires={_stamp(expires)}"
    if len(words) > _LONGEST_DESCRIPTION:
        over = len(words) - _LONGEST_DESCRIPTION
        raise Error(
            f"run={run!r} and purpose={purpose!r} are {over} characters too long for an NSG rule's description",
            hint="give the run or the purpose a shorter name",
        )
    return words


def _described(rule: Any) -> dict[str, Any]:
    """What `describe` wrote: run, purpose, opened and expires; all None for a rule that is not trunkline's."""
    match = _DESCRIPTION.fullmatch(rule.description or "")
    if match is None:
        return dict.fromkeys(("run", "purpose", "opened", "expires"))
    try:
        opened, expires = (datetime.fromisoformat(t) if t else None for t in match.group("opened", "expires"))
    except ValueError:
        return dict.fromkeys(("run", "purpose", "opened", "expires"))
    return {"run": unquote(match["run"]), "purpose": unquote(match["purpose"]), "opened": opened, "expires": expires}


def _rule_of(rule: Any) -> Rule:
    protocols: dict[str, Any] = {azure.lower(): ours for ours, azure in _PROTOCOLS.items()}
    port = rule.destination_port_range or "*"
    source = rule.source_address_prefix or ",".join(rule.source_address_prefixes or ())
    return Rule(protocols.get(word(rule.protocol).lower(), "any"), int(port) if port.isdigit() else 0, source)


def _word(text: str) -> str:
    return "".join(quote(c) if c.isspace() or c in "%=" or not c.isprintable() else c for c in text)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _prefix_length(source: str) -> int | None:
    try:
        return ipaddress.ip_network(source.strip(), strict=False).prefixlen
    except ValueError:
        return None


def _canonical(source: str) -> str:
    return str(ipaddress.ip_network(source.strip(), strict=False))
