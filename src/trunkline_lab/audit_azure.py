"""What the lab's Azure holds, and what was asked of it, for the audit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from .audit import Entry, Maker, Thing, run_in
from .azure import AzureFace
from .azure.deployment import Deployment
from .azure.http import Answer, Call

_RUN, _PATH, _TOKEN = "trunkline-run", "trunkline-path", "trunkline-token"
_DELETED = re.compile(r"/providers/microsoft\.resources/deployments/[^/]+/?$", re.I)
_EXPIRES = re.compile(r"\bexpires=(\S+)")
_CHILDREN = {"securityRules": "rule", "routes": "route", "subnets": "subnet", "virtualNetworkPeerings": "peering"}
_ANY = {"*", "any"}


class AzureMakers:
    """Remembers what deleted deployments had made: Azure itself forgets it. `face.hooks.append(AzureMakers(face))`."""

    def __init__(self, face: AzureFace) -> None:
        self._face = face
        self._past: dict[str, Maker] = {}
        self._going: dict[int, tuple[Call, dict[str, Maker]]] = {}

    async def before(self, call: Call) -> Answer | None:
        """Look at a deployment whose deletion is asked for."""
        if call.method == "DELETE" and _DELETED.search(call.path):
            wanted = call.path.rstrip("/").lower()
            with self._face.store.lock:
                standing = _deployments(self._face)
                gone = {str(each.id) for each in standing if str(each.id).lower() == wanted}
                made = _makers(standing, self._past).items()
                left = {key: replace(maker, owned=False) for key, maker in made if maker.stack in gone}
                self._going[id(call)] = (call, left)
        return None

    async def after(self, call: Call, answer: Answer) -> Answer | None:
        """It is gone now."""
        if id(call) in self._going:
            self._past |= self._going.pop(id(call))[1]
        return None

    def things(self) -> list[Thing]:
        """All that exists, in every subscription."""
        face = self._face
        with face.store.lock:
            deployments = _deployments(face)
            makers = _makers(deployments, self._past)
            found = [_deployment(each, _owner(each, makers)) for each in deployments]
            for subscription in face.subscriptions:
                found += [_group(subscription, each.view()) for each in face.store.groups(subscription)]
            for resource in face.store.resources():
                found += _resource(str(resource.id), resource.id, resource.document, makers)
        return found


def calls(face: AzureFace) -> list[Entry]:
    """Every call."""
    return [
        Entry(
            call.when,
            "azure",
            call.subscription,
            f"{call.method} {call.path}",
            "ok" if 0 < call.status < 400 else str(call.status) if call.status else "lost",
            fault=call.fault,
        )
        for call in list(face.calls)
    ]


def _deployments(face: AzureFace) -> list[Deployment]:
    """All that stand, oldest first."""
    found = [
        each
        for subscription in face.subscriptions
        for group in ("", *(one.name for one in face.store.groups(subscription)))  # "": the subscription's own
        for each in face.deployments.in_group(subscription, group)
    ]
    return sorted(found, key=lambda each: each.began)


def _makers(deployments: list[Deployment], past: Mapping[str, Maker]) -> dict[str, Maker]:
    """Who made each resource, by its key; what a nested deployment made belongs to the run of the outer one."""
    makers = dict(past)
    for deployment in deployments:  # the outer ones are older
        owner = _owner(deployment, makers)
        for target in deployment.made():
            makers[target.key] = replace(owner, stack=str(deployment.id), part=target.path_name, owned=True)
    return makers


def _owner(deployment: Deployment, makers: Mapping[str, Maker]) -> Maker:
    tags = deployment.tags
    if _RUN in tags:
        return Maker(tags[_RUN], tags.get(_PATH, ""), tags.get(_TOKEN, ""), owned=True)
    return makers.get(deployment.id.key, Maker())


def _deployment(deployment: Deployment, owner: Maker) -> Thing:
    id_ = deployment.id
    details = {"status": deployment.state} | ({"shared": True} if owner.stack else {})
    return Thing("azure", id_.subscription, "", "stack", str(id_), id_.name, maker=owner, details=details)


def _group(subscription: str, view: Mapping[str, Any]) -> Thing:
    ours = "trunkline" in (view.get("tags") or {})
    return Thing(
        "azure", subscription, view["location"], "Microsoft.Resources/resourceGroups", view["id"], view["name"],
        given=ours,
    )  # fmt: skip


def _resource(name: str, id_: Any, document: Mapping[str, Any], makers: Mapping[str, Maker]) -> Iterator[Thing]:
    tags = document.get("tags") or {}
    maker = makers.get(id_.key) or Maker(tags.get(_RUN, ""), tags.get(_PATH, ""), tags.get(_TOKEN, ""))
    region = str(document.get("location", ""))
    details: dict[str, Any] = {"shared": True} if maker.stack else {}
    yield Thing("azure", id_.subscription, region, id_.type, name, id_.name, maker=maker, details=details)
    for collection, kind in _CHILDREN.items():
        for child in document.get("properties", {}).get(collection) or []:
            yield _child(name, id_, region, child, kind, makers, maker)


def _child(
    parent: str,
    id_: Any,
    region: str,
    child: Mapping[str, Any],
    kind: str,
    makers: Mapping[str, Maker],
    inherited: Maker,
) -> Thing:
    properties = child.get("properties") or {}
    identity = str(child.get("id") or f"{parent}/{child.get('name')}")
    details: dict[str, Any] = {"shared": True}
    maker = makers.get(identity.lower()) or inherited
    if kind == "rule":
        details |= _rule(properties)
        description = str(properties.get("description") or "")
        if description.startswith("trunkline "):
            expires = _EXPIRES.search(description)
            details |= {"temporary": expires is not None, "expires": expires[1] if expires else ""}
            maker = Maker(run=unquote(run_in(description)), owned=True)
    if kind == "route":
        details["role"] = properties.get("addressPrefix")
    return Thing(
        "azure", id_.subscription, region, kind, identity, str(child.get("name", "")), parent, maker, details=details
    )


def _rule(properties: Mapping[str, Any]) -> dict[str, Any]:
    sources = [properties.get("sourceAddressPrefix"), *(properties.get("sourceAddressPrefixes") or [])]
    source = ",".join(str(each) for each in sources if each)
    texts = [properties.get("destinationPortRange"), *(properties.get("destinationPortRanges") or [])]
    ports = tuple(_range(str(text)) for text in texts if text)
    protocol = str(properties.get("protocol", "*")).lower()
    inbound = str(properties.get("direction", "")).lower() == "inbound"
    allows = str(properties.get("access", "")).lower() == "allow"
    details: dict[str, Any] = {"protocol": protocol, "ports": ports, "source": source, "tcp": protocol in ("tcp", "*")}
    if inbound and allows:
        details["admits"] = f"{protocol}/{','.join(map(str, texts[:1]))} from {source}"
        target = properties.get("destinationAddressPrefix") or ",".join(
            properties.get("destinationAddressPrefixes") or []
        )
        details["role"] = f"{details['admits']} to {target} {ports}"
    return details


def _range(text: str) -> tuple[int, int]:
    if text.lower() in _ANY:
        return (0, 65535)
    low, _, high = text.partition("-")
    return (int(low), int(high or low))
