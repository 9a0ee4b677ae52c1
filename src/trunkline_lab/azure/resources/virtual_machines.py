"""Microsoft.Compute/virtualMachines: machines that boot, run and are deallocated."""

from __future__ import annotations

import hashlib
import re
from typing import Any, ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.interfaces import refuse_attached
from trunkline_lab.azure.resources.kind import Kind, Site, linked, names
from trunkline_lab.azure.store import Document, Resource

_NIC = "Microsoft.Network/networkInterfaces"
# Beside the router's: (publisher, offer) of images that boot and serve nothing.
_PLAIN_IMAGES = (
    ("canonical", "ubuntu-24_04-lts"),
    ("canonical", "0001-com-ubuntu-server-jammy"),
)
_KINDS_OF_CHARACTER = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")


class VirtualMachines(Kind):
    """Virtual machines. `router_image` is (publisher, offer) of the image that only a plan may use."""

    type: ClassVar[str] = "Microsoft.Compute/virtualMachines"
    known: ClassVar[frozenset[str]] = (
        names("""hardwareProfile storageProfile osProfile networkProfile diagnosticsProfile availabilitySet priority
        evictionPolicy billingProfile licenseType vmId timeCreated instanceView userData securityProfile
        additionalCapabilities extensionsTimeBudget scheduledEventsProfile applicationProfile""")
    )
    extras: ClassVar[frozenset[str]] = frozenset({"zones", "plan"})
    creating: ClassVar[str] = "Creating"

    def __init__(self, router_image: tuple[str, str]) -> None:
        self._router_image = router_image

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        given = body.get("properties") or {}
        size = _need(given, "hardwareProfile.vmSize")
        if not re.match(r"^(Standard|Basic)_\w+$", size):
            raise invalid_request(
                "InvalidParameter",
                f"The value {size} provided for the VM size is not valid. The valid sizes in the current region are "
                "those whose names begin with Standard_ or Basic_.",
                "vmSize",
            )
        image = (given.get("storageProfile") or {}).get("imageReference") or {}
        if not image.get("id"):
            for name in ("publisher", "offer", "sku", "version"):
                _need(given, f"storageProfile.imageReference.{name}")
        if self.is_router(given) and not body.get("plan"):
            raise invalid_request(
                "VMMarketplaceInvalidInput",
                "Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image "
                f"requires Plan information in the request. VM: '{id_}'.",
            )
        if not (given.get("networkProfile") or {}).get("networkInterfaces"):
            raise invalid_request(
                "InvalidParameter", "The network profile of a VM has at least one network interface.", "networkProfile"
            )

    def is_router(self, properties: Document) -> bool:
        """Whether a machine's image is the router's."""
        image = (properties.get("storageProfile") or {}).get("imageReference") or {}
        found = (str(image.get("publisher")).lower(), str(image.get("offer")).lower())
        return found == tuple(part.lower() for part in self._router_image)

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. The password is kept as a digest only. Raises ArmError."""
        given = body["properties"]
        if not site.dry:
            self._refuse_unknown_image(given)
        interfaces = []
        for item in given["networkProfile"]["networkInterfaces"]:
            nic = linked(site, str(id_), item, _NIC, body["location"])
            refuse_attached(site, nic, but=str(id_))
            interfaces.append({**item, "id": nic})
        properties: Document = {
            "hardwareProfile": {"vmSize": given["hardwareProfile"]["vmSize"]},
            "storageProfile": {"osDisk": {}, "dataDisks": [], **given["storageProfile"]},
            "osProfile": _os_profile(id_, given.get("osProfile"), current),
            "networkProfile": {"networkInterfaces": interfaces},
        }
        for name in ("diagnosticsProfile", "licenseType", "priority", "userData", "securityProfile"):
            if given.get(name) is not None:
                properties[name] = given[name]
        if current is not None:
            _refuse_changes(properties, current.properties)
        return properties

    def _refuse_unknown_image(self, properties: Document) -> None:
        reference = properties["storageProfile"]["imageReference"]
        if self.is_router(properties) or _image(properties) in _PLAIN_IMAGES or reference.get("id"):
            return
        urn = ":".join(str(reference.get(part)) for part in ("publisher", "offer", "sku", "version"))
        raise ArmError(
            404,
            "PlatformImageNotFound",
            f"The platform image '{urn}' is not available. Verify that all fields in the storage profile are correct.",
            target="imageReference",
        )

    def seconds(self, site: Site, fresh: bool) -> float:
        """A new machine boots."""
        return site.world.pace.boot if fresh else site.world.pace.resource

    def ready(self, site: Site, resource: Resource) -> None:
        """A new machine runs; one that was stopped stays so."""
        resource.power = resource.power or "running"

    def gone(self, site: Site, resource: Resource) -> None:
        """Delete the interfaces that say so themselves (deleteOption)."""
        for item in resource.properties["networkProfile"]["networkInterfaces"]:
            nic = site.store.find(item["id"])
            if nic is not None and (item.get("properties") or {}).get("deleteOption") == "Delete":
                site.store.drop(nic)

    def view(self, site: Site, resource: Resource) -> Document:
        """The machine without its password; without etag and resourceGuid, which Microsoft.Compute has not."""
        document = super().view(site, resource)
        del document["etag"], document["properties"]["resourceGuid"]
        document["properties"]["vmId"] = resource.guid
        document["properties"]["osProfile"].pop("adminPassword", None)
        return document

    def instance_view(self, resource: Resource) -> Document:
        """The machine's statuses: how making it went, and whether it runs."""
        statuses = [_status(f"ProvisioningState/{resource.state.lower()}", f"Provisioning {resource.state.lower()}")]
        if resource.power:
            statuses.append(_status(f"PowerState/{resource.power}", f"VM {resource.power}"))
        return {"computerName": resource.properties["osProfile"]["computerName"], "statuses": statuses}


POWER = {"start": "running", "restart": "running", "powerOff": "stopped", "deallocate": "deallocated"}


def _status(code: str, text: str) -> dict[str, str]:
    return {"code": code, "level": "Info", "displayStatus": text}


def _image(properties: Document) -> tuple[str, str]:
    """Publisher and offer of a machine's image, in small letters."""
    image = (properties.get("storageProfile") or {}).get("imageReference") or {}
    return str(image.get("publisher")).lower(), str(image.get("offer")).lower()


def _need(node: Any, path: str) -> str:
    """The text at a dotted path. Raises ArmError (InvalidParameter) when there is none."""
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    if not isinstance(node, str) or not node:
        last = path.rpartition(".")[2]
        raise invalid_request("InvalidParameter", f"Required parameter '{path}' is missing (null).", last)
    return node


def _os_profile(id_: ResourceId, given: Document | None, current: Resource | None) -> Document:
    """The operating system's profile. Raises ArmError when nobody could log in."""
    old: Document = current.properties["osProfile"] if current else {}
    given = given or {}
    linux = given.get("linuxConfiguration") or {}
    password = given.get("adminPassword")
    profile: Document = {
        "computerName": given.get("computerName") or old.get("computerName") or id_.name,
        "adminUsername": given.get("adminUsername") or old.get("adminUsername") or _need(given, "adminUsername"),
        "linuxConfiguration": {"disablePasswordAuthentication": False, **linux},
        "secrets": [],
        "allowExtensionOperations": bool(given.get("allowExtensionOperations", True)),
    }
    if password is not None:
        _refuse_weak(str(password))
        profile["adminPassword"] = hashlib.sha256(f"{id_.key} {password}".encode()).hexdigest()
    elif "adminPassword" in old:
        profile["adminPassword"] = old["adminPassword"]
    elif not (linux.get("disablePasswordAuthentication") and (linux.get("ssh") or {}).get("publicKeys")):
        raise invalid_request(
            "InvalidParameter", "Required parameter 'adminPassword' is missing (null).", "adminPassword"
        )
    return profile


def _refuse_weak(password: str) -> None:
    """Raise ArmError when Azure would not take the password."""
    kinds = sum(bool(re.search(kind, password)) for kind in _KINDS_OF_CHARACTER)
    if not 6 <= len(password) <= 72 or kinds < 3:
        raise invalid_request(
            "InvalidParameter",
            "The supplied password must be between 6-72 characters long and must satisfy at least 3 of password "
            "complexity requirements from the following: 1) Contains an uppercase character 2) Contains a lowercase "
            "character 3) Contains a numeric digit 4) Contains a special character.",
            "adminPassword",
        )


def _refuse_changes(new: Document, old: Document) -> None:
    """Raise ArmError when a PUT would change what a machine keeps for life."""
    fixed = (("osProfile", "computerName"), ("osProfile", "adminUsername"), ("osProfile", "adminPassword"))
    for profile, name in (*fixed, ("storageProfile", "imageReference")):
        if new[profile].get(name) != old[profile].get(name):
            target = f"{profile}.{name}" if profile == "osProfile" else name
            raise ArmError(
                409, "PropertyChangeNotAllowed", f"Changing property '{target}' is not allowed.", target=target
            )


def interfaces_of(machine: Resource) -> list[str]:
    """The ids of a machine's interfaces, the primary one first."""
    listed = machine.properties["networkProfile"]["networkInterfaces"]
    primary = sorted(listed, key=lambda item: not (item.get("properties") or {}).get("primary", False))
    return [item["id"] for item in primary]
