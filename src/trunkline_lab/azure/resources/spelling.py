"""Property names and plain values as Azure reads them: names in any case, numbers and truths also as texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from trunkline_lab.azure.resources.kind import Kind, names
from trunkline_lab.azure.store import Document

_TOP = names("name location tags sku zones plan identity kind properties")
# Names further in, which are spelt alike in all types.
_INNER = names("""
    id tier capacity promotionCode publisher product offer version addressPrefixes dnsServers internalDnsNameLabel
    domainNameLabel reverseFqdn fqdn vmSize imageReference osDisk dataDisks managedDisk storageAccountType vhd uri lun
    caching createOption diskSizeGB osType computerName adminUsername adminPassword customData windowsConfiguration
    linuxConfiguration ssh publicKeys keyData path disablePasswordAuthentication provisionVMAgent
    enableAutomaticUpdates networkInterfaces bootDiagnostics enabled storageUri asn bgpPeeringAddress peerWeight
    subnet publicIPAddress addressPrefix networkSecurityGroup routeTable natGateway serviceEndpoints delegations
    serviceName service locations deleteOption image primary
    """)
# What lies below these is the caller's own, and stays as it is written.
_FREE = frozenset({"tags", "userassignedidentities", "settings", "protectedsettings", "userdata", "customdata"})
_NUMBERS = frozenset(
    name.lower()
    for name in names("""
    priority port frontendPort backendPort frontendPortRangeStart frontendPortRangeEnd idleTimeoutInMinutes
    intervalInSeconds numberOfProbes probeThreshold platformFaultDomainCount platformUpdateDomainCount diskSizeGB lun
    routingWeight asn peerWeight prefixLength allocatedOutboundPorts dpdTimeoutSeconds
    """)
)
_TRUTHS = ("enable", "allow", "use", "disable")
_MORE_TRUTHS = frozenset(
    {"primary", "provisionvmagent", "activeactive", "managed", "supportshttpstrafficonly", "hasbgpoverride"}
)


@lru_cache(maxsize=64)
def _words(kind: Kind) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The right spelling by the name in lower case: at the top of a document, and further in."""
    known = [*kind.known, *(name for child in kind.children.values() for name in (child.property, *child.known))]
    inner = {name.lower(): name for name in (*_INNER, *_TOP, *kind.inner, *known, *kind.known)}
    return {name.lower(): name for name in (*_TOP, *kind.extras)}, inner


def spelt(kind: Kind, body: Document) -> Document:
    """A request's body with all names that Azure knows in its own spelling, and their plain values in their types."""
    top, inner = _words(kind)
    return {top.get(name.lower(), name): _value(name, value, inner) for name, value in body.items()}


def _value(name: str, value: Any, words: Mapping[str, str]) -> Any:
    lower = name.lower()
    if lower in _FREE:
        return value
    if isinstance(value, dict):
        return {words.get(key.lower(), key): _value(key, part, words) for key, part in value.items()}
    if isinstance(value, list):
        return [_value(name, part, words) for part in value]
    if isinstance(value, str):
        if lower in _NUMBERS and value.strip().isdecimal():
            return int(value)
        if value.lower() in ("true", "false") and (lower.startswith(_TRUTHS) or lower in _MORE_TRUTHS):
            return value.lower() == "true"
    return value
