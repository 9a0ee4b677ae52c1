"""Microsoft.Network/networkSecurityGroups and their rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from itertools import combinations
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Children, Kind, Site, inline, linked, unconvertible
from trunkline_lab.azure.resources.service_tags import is_tag
from trunkline_lab.azure.store import Document, Resource

_SETS = "Microsoft.Network/applicationSecurityGroups"
_ENDS = ("source", "destination")
_RULE = frozenset(
    ["description", "protocol", "access", "priority", "direction"]
    + [f"{end}{part}" for end in _ENDS for part in ("PortRange", "PortRanges", "AddressPrefix", "AddressPrefixes")]
    + [f"{end}ApplicationSecurityGroups" for end in _ENDS]
)
_CHOICES = {
    "protocol": ("*", "Tcp", "Udp", "Icmp", "Esp", "Ah"),
    "access": ("Allow", "Deny"),
    "direction": ("Inbound", "Outbound"),
}


class SecurityGroups(Kind):
    """Network security groups. A PUT replaces all rules, also those that were added one by one."""

    type: ClassVar[str] = "Microsoft.Network/networkSecurityGroups"
    known: ClassVar[frozenset[str]] = frozenset(
        {"securityRules", "defaultSecurityRules", "networkInterfaces", "subnets", "flowLogs", "flushConnection"}
    )
    children: ClassVar[Mapping[str, Children]] = {
        "securityRules": Children("securityRules", _RULE, "Microsoft.Network/networkSecurityGroups/securityRules")
    }

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        self._rules(id_, body)

    def _rules(self, id_: ResourceId, body: Document) -> list[Document]:
        """The group's rules with their defaults. Raises ArmError."""
        given = body.get("properties") or {}
        rules = [_rule(item) for item in inline(id_, self.children["securityRules"], "securityRules", given)]
        for one, other in combinations(rules, 2):
            if all(one["properties"][name] == other["properties"][name] for name in ("priority", "direction")):
                raise invalid_request(
                    "SecurityRuleConflict",
                    f"Security rule {other['name']} conflicts with rule {one['name']}. Rules cannot have the same "
                    "Priority and Direction. To learn more, see aka.ms/nsgrules.",
                    other["id"],
                )
        return rules

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        rules = self._rules(id_, body)
        for rule in rules:
            for end in _ENDS:
                name = f"{end}ApplicationSecurityGroups"
                if name in rule["properties"]:
                    rule["properties"][name] = [
                        {"id": linked(site, rule["id"], one, _SETS, body["location"])}
                        for one in rule["properties"][name]
                    ]
        return {"securityRules": rules}

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a group that an interface or a subnet uses. Raises ArmError."""
        users = site.store.users(str(resource.id))
        if users:
            raise ArmError(
                400,
                "InUseNetworkSecurityGroupCannotBeDeleted",
                f"Network security group {resource.id} cannot be deleted because it is in use by the following "
                f"resources: {', '.join(users)}. In order to delete the Network security group, remove the "
                "association with the resource(s). To learn how to do this, see aka.ms/deletensg.",
            )

    def view(self, site: Site, resource: Resource) -> Document:
        """The group, with the default rules and with who uses it."""
        document = super().view(site, resource)
        properties = document["properties"]
        properties["defaultSecurityRules"] = [
            {
                "id": f"{resource.id}/defaultSecurityRules/{rule['name']}",
                "etag": document["etag"],
                "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
                "name": rule["name"],
                "properties": {"provisioningState": resource.state, **rule["properties"]},
            }
            for rule in DEFAULT_RULES
        ]
        users = [(user, ResourceId.parse(user).types[0].lower()) for user in site.store.users(str(resource.id))]
        for name, type_ in (("networkInterfaces", "networkinterfaces"), ("subnets", "virtualnetworks")):
            found = [{"id": user} for user, kind in users if kind == type_]
            if found:
                properties[name] = found
        return document


def _rule(item: Document) -> Document:
    """One rule with its defaults. Raises ArmError."""
    given, id_ = item["properties"], item["id"]
    properties: Document = {}
    for name, choices in _CHOICES.items():
        value = next((known for known in choices if known.lower() == str(given.get(name)).lower()), None)
        if value is None:
            raise unconvertible(given.get(name), f"SecurityRule{name.capitalize()}", name, id_)
        properties[name] = value
    priority = given.get("priority")
    if not isinstance(priority, int) or isinstance(priority, bool) or not 100 <= priority <= 4096:
        raise invalid_request(
            "SecurityRuleInvalidPriority",
            f"Security rule has invalid Priority. Value provided: {priority} Allowed range 100-4096.",
            id_,
        )
    properties["priority"] = priority
    if given.get("description"):
        if len(given["description"]) > 140:
            raise invalid_request(
                "SecurityRuleDescriptionTooLong",
                f"Security rule {id_} has a description of {len(given['description'])} characters; 140 is the most.",
                id_,
            )
        properties["description"] = given["description"]
    for end in _ENDS:
        properties |= _addresses(given, end, id_) | _ports(given, end, id_)
    return {**item, "properties": properties}


def _addresses(given: Document, end: str, id_: str) -> Document:
    """One end's addresses, singular and plural. Raises ArmError."""
    one, many = given.get(f"{end}AddressPrefix"), given.get(f"{end}AddressPrefixes") or []
    upper = end.capitalize()
    sets = given.get(f"{end}ApplicationSecurityGroups") or []
    if sum(map(bool, (one, many, sets))) > 1:
        raise invalid_request(
            "SecurityRuleCannotSpecifyBothAddressPrefixesAndApplicationSecurityGroups",
            f"Security rule with Id {id_} must specify a non empty value for exactly one of: {upper}AddressPrefixes, "
            f"{upper}AddressPrefix, {upper}ApplicationSecurityGroups.",
            id_,
        )
    if sets:
        return {f"{end}AddressPrefixes": [], f"{end}ApplicationSecurityGroups": list(sets)}
    if one is None and not many:
        raise invalid_request(
            "SecurityRuleParametersMissing",
            f"Required security rule parameters are missing for security rule with Id: {id_}. Security rule must "
            f"specify {upper}AddressPrefixes, {upper}AddressPrefix, or {upper}ApplicationSecurityGroups.",
            id_,
        )
    for value in [*([one] if one is not None else []), *many]:
        if not _is_prefix(value):
            raise invalid_request(
                "SecurityRuleInvalidAddressPrefix",
                f"Security rule {id_} has invalid Address prefix. Value provided: {value}",
                id_,
            )
    for value in many:
        if value == "*" or is_tag(value):
            raise invalid_request(
                "SecurityRuleParameterContainsUnsupportedValue",
                f"Security rule parameter {upper}AddressPrefix for rule with Id {id_} cannot specify existing "
                f"VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported value used: {value}.",
                id_,
            )
    return {**({f"{end}AddressPrefix": one} if one is not None else {}), f"{end}AddressPrefixes": list(many)}


def _is_prefix(value: object) -> bool:
    """Whether Azure takes `value` as an address prefix: "*", a service tag, an address or a network."""
    if value == "*" or is_tag(value):
        return True
    try:
        ipaddress.ip_network(str(value))
    except ValueError:
        return False
    return True


def _ports(given: Document, end: str, id_: str) -> Document:
    """One end's ports, singular and plural. Raises ArmError."""
    one, many = given.get(f"{end}PortRange"), given.get(f"{end}PortRanges") or []
    upper = end.capitalize()
    if one is None and not many:
        raise invalid_request(
            "SecurityRuleParametersMissing",
            f"Required security rule parameters are missing for security rule with Id: {id_}. Security rule must "
            f"specify {upper}PortRanges or {upper}PortRange.",
            id_,
        )
    values = [str(value) for value in ([one] if one is not None else []) + list(many)]
    for value in values:
        try:
            port_range(value)
        except ValueError:
            raise invalid_request(
                "SecurityRuleInvalidPortRange",
                f"Security rule has invalid Port range. Value provided: {value}. Value should be an integer OR integer "
                "range with '-' delimiter. Valid range 0-65535.",
                id_,
            ) from None
    singular = {f"{end}PortRange": str(one)} if one is not None else {}
    return {**singular, f"{end}PortRanges": [str(value) for value in many]}


def port_range(text: str) -> tuple[int, int]:
    """First and last port of "*", "500" or "1195-1203". Raises ValueError."""
    if text == "*":
        return 0, 65535
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    if not 0 <= low <= high <= 65535:
        raise ValueError(text)
    return low, high


def _default(name: str, priority: int, direction: str, access: str, source: str, destination: str) -> Document:
    return {
        "name": name,
        "properties": {
            "description": "",
            "protocol": "*",
            "sourcePortRange": "*",
            "destinationPortRange": "*",
            "sourceAddressPrefix": source,
            "destinationAddressPrefix": destination,
            "access": access,
            "priority": priority,
            "direction": direction,
        },
    }


# The rules that every group ends with: https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview
DEFAULT_RULES = (
    _default("AllowVnetInBound", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    _default("AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
    _default("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
    _default("AllowVnetOutBound", 65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    _default("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
    _default("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
)
