"""What every resource type has in common: how a request's body becomes a document, and how it is told.

A type's `fill` is pure: it checks a body against what the cloud holds and answers the whole document as it
would be stored. So creating, updating, editing a child, validating and what-if are one and the same code.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import GROUPS, ResourceId, same
from trunkline_lab.azure.store import Document, Resource, Store
from trunkline_lab.world import World

_TOP = {"id", "name", "type", "location", "tags", "etag", "sku", "zones", "plan", "identity", "kind", "properties"}
_TAG = 256  # the longest value of a tag
_COMMON = frozenset({"provisioningState", "resourceGuid"})


@dataclass(frozen=True)
class Site:
    """Where resources are made.

    Parameters:
        store: What there is.
        world: The lab's common ground.
        dry: Whether references to what is not there yet are let through (what-if).
        version: The API version of the request; "" for the newest.
    """

    store: Store
    world: World
    dry: bool = False
    version: str = ""


@dataclass(frozen=True)
class Children:
    """A type of child: the parent's property that holds them, and the properties that one may have."""

    property: str
    known: frozenset[str]
    type: str


class Kind:
    """One type of top resource, with its children.

    Parameters:
        type: The full type.
        known: The names that its `properties` may have, told by Azure or written by its callers.
        children: Types of children by their last part.
        extras: Top names beside location and tags that it takes, such as "zones".
        creating: Its provisioning state while it is made.
        created: The HTTP status of a PUT that makes it.
        exclusive: Whether Azure refuses a change while another one is in progress.
        located: Whether it has a region.
        extends: Whether it may belong to a subscription, a group or another resource (an extension resource).
        tagged: Whether it has tags.
        networked: Whether it tells an etag and a resourceGuid, as Microsoft.Network's types do.
        patches: What a PATCH may name.
        inner: Names of properties further in, beside those of children.
    """

    type: ClassVar[str]
    known: ClassVar[frozenset[str]] = frozenset()
    children: ClassVar[Mapping[str, Children]] = {}
    extras: ClassVar[frozenset[str]] = frozenset()
    creating: ClassVar[str] = "Updating"
    created: ClassVar[int] = 201
    exclusive: ClassVar[bool] = False
    located: ClassVar[bool] = True
    extends: ClassVar[bool] = False
    tagged: ClassVar[bool] = True
    networked: ClassVar[bool] = True
    patches: ClassVar[frozenset[str]] = frozenset({"tags"})
    inner: ClassVar[frozenset[str]] = frozenset()

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        unknown = set(body) - _TOP
        if unknown:
            raise invalid_request(
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: "
                f"'Could not find member '{min(unknown)}' on object of type 'ResourceDefinition'.'.",
            )
        if self.located and (not isinstance(body.get("location"), str) or not body["location"]):
            raise invalid_request(
                "LocationRequired", "The location property is required for this definition.", str(id_)
            )
        if self.located:
            region(body["location"], self.type)
        tags = body.get("tags") or {}
        if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
            raise invalid_request(
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: the tags of a resource are texts by "
                "name.",
                "tags",
            )
        long = next((value for value in tags.values() if len(value) > _TAG), None)
        if long is not None:
            raise invalid_request(
                "InvalidTagValueLength",
                f"Tag value too large.  Following tag value '{long}' exceeded the maximum length. Maximum allowed "
                f"length for tag value - '{_TAG}' characters.",
                "tags",
            )
        known_properties(id_, body.get("properties") or {}, self.known)

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes of `id_`. Raises ArmError; changes nothing."""
        self.check(id_, body)
        document: Document = {
            "id": str(id_),
            "name": id_.name,
            "type": self.type,
            **({"location": region(body["location"])} if self.located else {}),
            **({"tags": dict(body.get("tags") or {})} if self.tagged else {}),
        }
        document |= {name: copy.deepcopy(body[name]) for name in self.extras if body.get(name) is not None}
        document["properties"] = self.properties(site, id_, body, current)
        return document

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties, with Azure's defaults. Raises ArmError; changes nothing."""
        raise NotImplementedError

    def restated(self, resource: Resource) -> Document:
        """The body of a PUT that would change nothing, which a PATCH is merged into."""
        return copy.deepcopy(resource.document)

    def listed(self, site: Site, resource: Resource, action: str) -> Document:
        """What a list action answers. Raises ArmError when the type has none of this name."""
        raise ArmError(
            400,
            "FeatureNotSupported",
            f"The action '{action}' is unknown for {self.type}: the lab's Azure does not have it.",
        )

    def saved(self, site: Site, resource: Resource) -> None:
        """What a change means for other resources; also called after a part was deleted."""

    def made(self, site: Site, resource: Resource) -> None:
        """Take what a new resource needs from the world."""

    def ready(self, site: Site, resource: Resource) -> None:
        """What happens when making or changing it has ended well."""

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete what is in use. Raises ArmError."""

    def gone(self, site: Site, resource: Resource) -> None:
        """Give back what it took from the world."""

    def seconds(self, site: Site, fresh: bool) -> float:
        """How long making one (`fresh`) or changing one takes."""
        return site.world.pace.resource

    def view(self, site: Site, resource: Resource) -> Document:
        """The resource as a GET tells it: with its state, its etag and who uses it."""
        document = copy.deepcopy(resource.document)
        document["properties"]["provisioningState"] = resource.state
        if self.networked:
            document["etag"] = etag(resource)
            document["properties"]["resourceGuid"] = resource.guid
        for child in self.children.values():
            for item in document["properties"].get(child.property, ()):
                item["etag"] = document["etag"]
                item["properties"]["provisioningState"] = resource.state
        return document


def names(text: str) -> frozenset[str]:
    """The names in `text`, which stand between spaces."""
    return frozenset(text.split())


def known_properties(id_: ResourceId | str, properties: Document, known: frozenset[str]) -> None:
    """Refuse properties that the type does not have. Raises ArmError (InvalidRequestFormat)."""
    if not isinstance(properties, dict):
        raise invalid_request("InvalidRequestFormat", "Cannot parse the request.", str(id_))
    unknown = set(properties) - known - _COMMON
    if unknown:
        raise ArmError(
            400,
            "InvalidRequestFormat",
            "Cannot parse the request.",
            target=str(id_),
            details=[
                invalid_request(
                    "InvalidJson", f"Could not find member '{min(unknown)}' on the properties of {id_}.", min(unknown)
                )
            ],
        )


def inline(id_: ResourceId, kind: Children, type_: str, properties: Document) -> list[Document]:
    """The children that a parent's body lists, each with its id; their properties are copies.

    Raises ArmError when one has no name, no properties or shares its name.
    """
    items = properties.get(kind.property) or []
    made: list[Document] = []
    for item in items:
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not name:
            raise invalid_request(
                "InvalidRequestFormat", f"An element of {kind.property} of {id_} has no name.", kind.property
            )
        if any(same(other["name"], name) for other in made):
            raise invalid_request(
                "InvalidRequestFormat", f"{kind.property} of {id_} has the name {name} twice.", kind.property
            )
        child = id_.child(type_, name)
        known_properties(child, item.get("properties") or {}, kind.known)
        made.append(
            {"id": str(child), "name": name, "type": kind.type, "properties": dict(item.get("properties") or {})}
        )
    return made


def part_of(properties: Document, name: str) -> list[Document]:
    """The parts that a resource has under a name, whatever its case."""
    return next((value for key, value in properties.items() if same(key, name) and isinstance(value, list)), [])


def refuse_parts(holder: object, given: Document, refused: tuple[str, ...]) -> None:
    """Raise ArmError for what Azure has and the lab has not: refused by its name, and not passed over."""
    for name in refused:
        if given.get(name):
            raise invalid_request("FeatureNotSupported", f"{holder}: the lab's Azure does not have {name}.", name)


def refuse_used(site: Site, resource: Resource, code: str, words: str, status: int = 400) -> None:
    """Raise ArmError when anything refers to a resource; `words` have {id}, {name} and {users} to fill in."""
    users = site.store.users(str(resource.id))
    if users:
        filled = words.format(id=resource.id, name=resource.id.name, users=", ".join(users))
        raise ArmError(status, code, filled)


def unconvertible(value: object, type_: str, path: str, holder: object) -> ArmError:
    """A value that is none of an enumeration's, as Microsoft.Network's reader says it (Azure/azure-cli#1619)."""
    words = f"Error converting value {json.dumps(value)} to type '{type_}'. Path 'properties.{path}'."
    cause = invalid_request("InvalidJson", words, path)
    return ArmError(400, "InvalidRequestFormat", "Cannot parse the request.", target=str(holder), details=[cause])


def one_of(value: object, choices: tuple[str, ...], name: str, holder: object, default: str | None = None) -> str:
    """`value` as one of the choices, whatever its case. Raises ArmError (InvalidParameter)."""
    wanted = default if value is None and default is not None else value
    for choice in choices:
        if same(choice, str(wanted)):
            return choice
    raise invalid_request(
        "InvalidParameter", f"The value '{value}' of {name} of {holder} is not one of {', '.join(choices)}.", name
    )


def etag(resource: Resource) -> str:
    """The resource's etag, which its children share."""
    return f'W/"{uuid.uuid5(uuid.UUID(resource.guid), str(resource.revision))}"'


_REGIONS = names(
    "australiacentral australiaeast australiasoutheast austriaeast brazilsouth canadacentral canadaeast centralindia "
    "centralus eastasia eastus eastus2 francecentral germanywestcentral indonesiacentral israelcentral italynorth "
    "japaneast japanwest koreacentral koreasouth malaysiawest mexicocentral newzealandnorth northcentralus "
    "northeurope norwayeast polandcentral qatarcentral southafricanorth southcentralus southeastasia southindia "
    "spaincentral swedencentral switzerlandnorth uaenorth uksouth ukwest westcentralus westeurope westindia westus "
    "westus2 westus3"
)


def region(location: str, type_: str = GROUPS) -> str:
    """The region's short name: "West Europe" is "westeurope". Raises ArmError when there is none."""
    short = location.replace(" ", "").lower()
    if short not in _REGIONS:
        raise invalid_request(
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{type_}'. "
            f"List of available regions for the resource type is '{','.join(sorted(_REGIONS))}'.",
            "location",
        )
    return short


def regions() -> list[str]:
    """All regions, sorted."""
    return sorted(_REGIONS)


def in_subnet(site: Site, holder: str, given: Document, location: str) -> str:
    """The id of the subnet of an IP configuration. Raises ArmError (SubnetIsRequired) and as `linked` does."""
    if not given.get("subnet"):
        words = f"Subnet reference is required for ipconfiguration {holder}."
        raise invalid_request("SubnetIsRequired", words, holder)
    return linked(site, holder, given["subnet"], "Microsoft.Network/virtualNetworks/subnets", location)


def linked(site: Site, holder: str, reference: object, type_: str, location: str | None) -> str:
    """The id that `reference` ({"id": ...}) names, spelt as the resource spells it.

    Raises ArmError (InvalidResourceReference) when there is no such resource of that type in that region; None is
    every region.
    """
    target = reference.get("id") if isinstance(reference, dict) else None
    if not isinstance(target, str):
        cause = invalid_request("MissingJsonReferenceId", f"Value for reference id is missing in {holder}.", holder)
        raise ArmError(400, "InvalidRequestFormat", "Cannot parse the request.", target=holder, details=[cause])
    id_ = ResourceId.parse(target)
    if not same(id_.type, type_):
        raise invalid_request("InvalidResourceReference", f"{holder} needs a {type_}, and refers to {target}.", holder)
    found = site.store.find(id_)
    if found is not None and found.state == "Deleting":
        raise ArmError(
            409,
            "ReferencedResourceNotProvisioned",
            f"Cannot proceed with operation because resource {target} used by resource {holder} is not in Succeeded "
            "state. Resource is in Deleting state.",
            target=holder,
        )
    if found is not None and (location is None or region(location) == found.document["location"]):
        if len(id_.types) == 1:
            return str(found.id)
        for child in part_of(found.properties, id_.types[-1]):
            if same(child["name"], id_.name):
                return str(child["id"])
    if site.dry:
        return target
    raise invalid_request(
        "InvalidResourceReference",
        f"Resource {target} referenced by resource {holder} was not found. Please make sure that the referenced "
        "resource exists, and that both resources are in the same region.",
        holder,
    )
