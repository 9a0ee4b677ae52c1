"""Microsoft.Network/loadBalancers: frontends, backend pools, probes and rules, which refer to one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import (
    Children,
    Kind,
    Site,
    inline,
    linked,
    names,
    one_of,
    refuse_parts,
)  # fmt: skip
from trunkline_lab.azure.resources.private_addresses import choose
from trunkline_lab.azure.resources.public_addresses import PREFIXES, claimed
from trunkline_lab.azure.store import Document, Resource

_FRONTEND = names("""
    subnet publicIPAddress publicIPPrefix privateIPAddress privateIPAllocationMethod privateIPAddressVersion
    gatewayLoadBalancer loadBalancingRules inboundNatRules inboundNatPools outboundRules
    """)
_POOL = names("""
    loadBalancerBackendAddresses backendIPConfigurations loadBalancingRules outboundRule outboundRules
    inboundNatRules tunnelInterfaces drainPeriodInSeconds location virtualNetwork syncMode
    """)
_PROBE = names(
    "protocol port requestPath intervalInSeconds numberOfProbes probeThreshold "
    "loadBalancingRules noHealthyBackendsBehavior"
)
_RULE = names("""
    frontendIPConfiguration backendAddressPool backendAddressPools probe protocol loadDistribution frontendPort
    backendPort idleTimeoutInMinutes enableFloatingIP enableTcpReset disableOutboundSnat enableConnectionTracking
    """)
_NAT_RULE = names("""
    frontendIPConfiguration protocol frontendPort backendPort idleTimeoutInMinutes enableFloatingIP enableTcpReset
    backendIPConfiguration frontendPortRangeStart frontendPortRangeEnd backendAddressPool
    """)
_NAT_POOL = names("""
    frontendIPConfiguration protocol frontendPortRangeStart frontendPortRangeEnd backendPort idleTimeoutInMinutes
    enableFloatingIP enableTcpReset
    """)
_OUTBOUND = names("""
    allocatedOutboundPorts frontendIPConfigurations backendAddressPool protocol enableTcpReset idleTimeoutInMinutes
    """)
_TYPE = "Microsoft.Network/loadBalancers"
# Which of a rule's properties refer to which parts of the same balancer.
_PARTS = {
    "frontendIPConfiguration": "frontendIPConfigurations",
    "frontendIPConfigurations": "frontendIPConfigurations",
    "backendAddressPool": "backendAddressPools",
    "backendAddressPools": "backendAddressPools",
    "probe": "probes",
}
_RULES = ("loadBalancingRules", "inboundNatRules", "inboundNatPools", "outboundRules")


class LoadBalancers(Kind):
    """Load balancers. A PUT replaces all parts, but for the NAT rules and pools that it does not mention."""

    type: ClassVar[str] = _TYPE
    known: ClassVar[frozenset[str]] = names("""
    frontendIPConfigurations backendAddressPools loadBalancingRules probes inboundNatRules inboundNatPools
    outboundRules scope outboundNatRules
    """)
    extras: ClassVar[frozenset[str]] = frozenset({"sku"})
    children: ClassVar[Mapping[str, Children]] = {
        name: Children(name, known, f"{_TYPE}/{name}")
        for name, known in {
            "frontendIPConfigurations": _FRONTEND,
            "backendAddressPools": _POOL,
            "probes": _PROBE,
            "loadBalancingRules": _RULE,
            "inboundNatRules": _NAT_RULE,
            "inboundNatPools": _NAT_POOL,
            "outboundRules": _OUTBOUND,
        }.items()
    }

    def __init__(self, basic: bool = False) -> None:
        self._basic = basic

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        sku = one_of((body.get("sku") or {}).get("name"), ("Basic", "Standard", "Gateway"), "sku.name", id_, "Basic")
        if sku == "Gateway" or (sku == "Basic" and not self._basic):
            raise invalid_request(
                "BasicSkuLoadBalancerNotAllowed" if sku == "Basic" else "FeatureNotSupported",
                f"Load balancer {id_} is of the {sku} SKU, which cannot be made in this subscription any more.",
                str(id_),
            )
        given = body.get("properties") or {}
        refuse_parts(id_, given, ("outboundNatRules",))
        for name, child in self.children.items():
            for item in inline(id_, child, name, given):
                refuse_parts(item["id"], item["properties"], ("gatewayLoadBalancer", "tunnelInterfaces"))
                _check_ports(item)

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes, its SKU told. Raises ArmError."""
        document = super().fill(site, id_, body, current)
        document["sku"] = {"name": "Basic", "tier": "Regional", **document.get("sku", {})}
        return document

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = body.get("properties") or {}
        if current is not None:  # rules that were made as resources of their own stay
            given = {"inboundNatRules": current.properties["inboundNatRules"], **given}
        parts = {name: inline(id_, child, name, given) for name, child in self.children.items()}
        sku = str((body.get("sku") or {}).get("name", "Basic"))
        frontends: list[Document] = []
        old = {item["name"]: item for item in (current.properties["frontendIPConfigurations"] if current else ())}
        for item in parts["frontendIPConfigurations"]:
            frontends.append(_frontend(site, id_, item, body["location"], old.get(item["name"]), frontends, sku))
        parts["frontendIPConfigurations"] = frontends
        for name in _RULES:
            parts[name] = [_rule(item, parts) for item in parts[name]]
        for name in ("backendAddressPools", "probes"):
            parts[name] = [_told(item) for item in parts[name]]
        if current is not None:
            self._refuse_missing(site, current, parts)
        return dict(parts)

    def _refuse_missing(self, site: Site, current: Resource, parts: Mapping[str, list[Document]]) -> None:
        """Raise ArmError when a part that an interface is listed in would go."""
        kept = {item["id"].lower() for items in parts.values() for item in items}
        for name in ("backendAddressPools", "inboundNatRules"):
            for item in current.properties[name]:
                users = [user for user in site.store.users(item["id"]) if not _inside(user, current.id)]
                if item["id"].lower() not in kept and users:
                    raise invalid_request(
                        "InvalidResourceReference",
                        f"Resource {item['id']} referenced by resource {users[0]} was not found. Please make sure that "
                        "the referenced resource exists, and that both resources are in the same region.",
                        item["id"],
                    )

    def gone(self, site: Site, resource: Resource) -> None:
        """Interfaces are taken out of its pools and rules, as Azure does when a balancer is deleted."""
        for nic in site.store.resources(type_="Microsoft.Network/networkInterfaces"):
            changed = False
            for item in nic.properties["ipConfigurations"]:
                for name in ("loadBalancerBackendAddressPools", "loadBalancerInboundNatRules"):
                    listed = item["properties"].get(name)
                    left = [one for one in listed or () if not _inside(one["id"], resource.id)]
                    if listed and left != listed:
                        item["properties"][name], changed = left, True
            if changed:
                site.store.save(nic)

    def view(self, site: Site, resource: Resource) -> Document:
        """The balancer: each part with the rules that use it, each pool with its interfaces."""
        document = super().view(site, resource)
        properties = document["properties"]
        for pool in properties["backendAddressPools"]:
            users = [user for user in site.store.users(pool["id"]) if not _inside(user, resource.id)]
            if users:
                pool["properties"]["backendIPConfigurations"] = [{"id": user} for user in users]
        for rule in properties["inboundNatRules"]:
            users = [user for user in site.store.users(rule["id"]) if not _inside(user, resource.id)]
            if users:
                rule["properties"]["backendIPConfiguration"] = {"id": users[0]}
        for name in _RULES:
            for rule in properties[name]:
                for target in _targets(rule):
                    part = _find(properties, target)
                    if part is not None:
                        listed = part["properties"].setdefault(name, [])
                        listed += [{"id": rule["id"]}] if {"id": rule["id"]} not in listed else []
        return document


def _told(item: Document) -> Document:
    """A part without what Azure tells itself."""
    told = {*_RULES, "backendIPConfigurations", "outboundRule"}
    return {**item, "properties": {name: value for name, value in item["properties"].items() if name not in told}}


def _inside(id_: str, owner: ResourceId) -> bool:
    return (id_.lower() + "/").startswith(owner.key + "/")


def _check_ports(item: Document) -> None:
    """Refuse ports that are none. Raises ArmError."""
    for name, value in item["properties"].items():
        port = name == "port" or name.endswith(("Port", "PortRangeStart", "PortRangeEnd"))
        if port and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65535):
            raise invalid_request(
                "InvalidPortNumber", f"{item['id']} has the {name} {value}; 0 to 65535 are possible.", item["id"]
            )


def _frontend(
    site: Site, id_: ResourceId, item: Document, location: str, old: Document | None, others: list[Document], sku: str
) -> Document:
    """One frontend, in a subnet or with a public address. Raises ArmError."""
    given, holder = item["properties"], item["id"]
    if not same(str(given.get("privateIPAddressVersion", "IPv4")), "IPv4"):
        raise invalid_request("IPv6NotSupported", f"{holder}: the lab's load balancers have IPv4 only.", holder)
    if given.get("subnet") and given.get("publicIPAddress"):
        raise invalid_request(
            "FrontendIPConfigHasBothSubnetAndPublicIP",
            f"Frontend IP Configuration {holder} must not reference both a Subnet and a Public IP Address.",
            holder,
        )
    properties: Document = {}
    if given.get("subnet"):
        type_ = "Microsoft.Network/virtualNetworks/subnets"
        subnet = linked(site, holder, given["subnet"], type_, location)
        properties = {"subnet": {"id": subnet}, **choose(site, id_, holder, given, subnet, old, others)}
    elif given.get("publicIPAddress"):
        public = claimed(site, holder, given["publicIPAddress"], location)
        _refuse_mixed(site, id_, public, sku)
        properties = {"publicIPAddress": {"id": public}, "privateIPAllocationMethod": "Dynamic"}
    elif given.get("publicIPPrefix"):
        prefix = linked(site, holder, given["publicIPPrefix"], PREFIXES, location)
        properties = {"publicIPPrefix": {"id": prefix}, "privateIPAllocationMethod": "Dynamic"}
    else:
        raise invalid_request(
            "FrontendIPConfigHasNoSubnetOrPublicIP",
            f"Frontend IP Configuration {holder} must reference either a Subnet or a Public IP Address.",
            holder,
        )
    zones = {"zones": item["zones"]} if item.get("zones") else {}
    return {**item, **zones, "properties": properties}


def _refuse_mixed(site: Site, id_: ResourceId, public: str, sku: str) -> None:
    """Raise ArmError (PublicIPAndLBSkuDoNotMatch) for an address of another SKU."""
    found = site.store.find(public)
    other = found.document["sku"]["name"] if found is not None else sku
    if not same(other, sku):
        raise ArmError(
            400,
            "PublicIPAndLBSkuDoNotMatch",
            f"{sku} sku load balancer {id_} cannot reference {other} sku publicIP {public}.",
            target=str(id_),
        )


def _rule(item: Document, parts: Mapping[str, list[Document]]) -> Document:
    """One rule, its references spelt as the parts are. Raises ArmError for a part that the balancer has not."""
    properties = {name: value for name, value in item["properties"].items() if name != "backendIPConfiguration"}
    for name, section in _PARTS.items():
        value = properties.get(name)
        if value:
            many = isinstance(value, list)
            found = [{"id": _part(item, one, parts[section])} for one in (value if many else [value])]
            properties[name] = found if many else found[0]
    defaults = {"idleTimeoutInMinutes": 4, "enableFloatingIP": False, "enableTcpReset": False}
    return {**item, "properties": {**defaults, **properties}}


def _part(item: Document, reference: object, parts: list[Document]) -> str:
    target = reference.get("id") if isinstance(reference, dict) else None
    for part in parts:
        if same(str(target), part["id"]):
            return str(part["id"])
    raise invalid_request(
        "InvalidResourceReference",
        f"Resource {target} referenced by resource {item['id']} was not found. Please make sure that the referenced "
        "resource exists, and that both resources are in the same region.",
        item["id"],
    )


def _targets(rule: Document) -> list[str]:
    """The ids of the parts that a rule refers to."""
    found: list[Document] = []
    for name in _PARTS:
        value = rule["properties"].get(name)
        found += value if isinstance(value, list) else [value] if value else []
    return [one["id"] for one in found]


def _find(properties: Document, id_: str) -> Document | None:
    for name in ("frontendIPConfigurations", "backendAddressPools", "probes"):
        for part in properties[name]:
            if same(part["id"], id_):
                found: Document = part
                return found
    return None
