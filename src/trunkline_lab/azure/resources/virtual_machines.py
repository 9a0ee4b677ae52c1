"""Microsoft.Compute/virtualMachines: machines that boot, run and are deallocated."""

from __future__ import annotations

import hashlib
import re
from typing import Any, ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources import identities
from trunkline_lab.azure.resources.disks import Disks
from trunkline_lab.azure.resources.images import PLANNED, image_of, refuse_unknown
from trunkline_lab.azure.resources.interfaces import refuse_attached
from trunkline_lab.azure.resources.kind import Kind, Site, linked, names, refuse_parts
from trunkline_lab.azure.store import Document, Resource

_NIC = "Microsoft.Network/networkInterfaces"
_SETS = "Microsoft.Compute/availabilitySets"
# What is kept as it was given.
_KEPT = (
    "diagnosticsProfile", "licenseType", "priority", "userData", "securityProfile", "evictionPolicy", "billingProfile",
    "additionalCapabilities", "extensionsTimeBudget", "scheduledEventsProfile",
)  # fmt: skip
_KINDS_OF_CHARACTER = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")


class VirtualMachines(Kind):
    """Virtual machines. `router_image` is (publisher, offer) of the image that only a plan may use."""

    type: ClassVar[str] = "Microsoft.Compute/virtualMachines"
    known: ClassVar[frozenset[str]] = (
        names("""hardwareProfile storageProfile osProfile networkProfile diagnosticsProfile availabilitySet priority
        evictionPolicy billingProfile licenseType vmId timeCreated instanceView userData securityProfile
        additionalCapabilities extensionsTimeBudget scheduledEventsProfile applicationProfile""")
    )
    extras: ClassVar[frozenset[str]] = frozenset({"zones", "plan", "identity"})
    networked: ClassVar[bool] = False
    patches: ClassVar[frozenset[str]] = frozenset({"tags", "properties", "identity", "zones", "plan"})
    creating: ClassVar[str] = "Creating"

    def __init__(self, router_image: tuple[str, str]) -> None:
        self._router_image = (router_image[0].lower(), router_image[1].lower())

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
        refuse_parts(id_, given, ("applicationProfile",))
        storage = given.get("storageProfile") or {}
        image, attached = storage.get("imageReference") or {}, _attaches(storage)
        if not image.get("id") and not attached and not (storage.get("osDisk") or {}).get("image"):
            for name in ("publisher", "offer", "sku", "version"):
                _need(given, f"storageProfile.imageReference.{name}")
        if (self.is_router(given) or image_of(given) in PLANNED) and not body.get("plan"):
            raise invalid_request(
                "VMMarketplaceInvalidInput",
                "Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image "
                f"requires Plan information in the request. VM: '{id_}'.",
            )
        network = given.get("networkProfile") or {}
        refuse_parts(id_, network, ("networkInterfaceConfigurations",))
        if not network.get("networkInterfaces"):
            raise invalid_request(
                "InvalidParameter", "The network profile of a VM has at least one network interface.", "networkProfile"
            )
        if body.get("zones") and given.get("availabilitySet"):
            raise invalid_request(
                "BadRequest", "Virtual Machines deployed to an Availability Set may not have zones.", "zones"
            )

    def is_router(self, properties: Document) -> bool:
        """Whether a machine's image is the router's."""
        return image_of(properties) == self._router_image

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. The password is kept as a digest only. Raises ArmError."""
        given = body["properties"]
        if not site.dry:
            refuse_unknown(given, self._router_image)
        interfaces = []
        for item in given["networkProfile"]["networkInterfaces"]:
            nic = linked(site, str(id_), item, _NIC, body["location"])
            refuse_attached(site, nic, but=str(id_))
            interfaces.append({**item, "id": nic})
        properties: Document = {
            "hardwareProfile": {"vmSize": given["hardwareProfile"]["vmSize"]},
            "storageProfile": _storage(site, id_, given["storageProfile"], body["location"]),
            "networkProfile": {"networkInterfaces": interfaces},
        }
        if given.get("osProfile") or not _attaches(given["storageProfile"]):
            properties["osProfile"] = _os_profile(id_, given.get("osProfile"), current)
        if given.get("availabilitySet"):
            owner = linked(site, str(id_), given["availabilitySet"], _SETS, body["location"])
            properties["availabilitySet"] = {"id": owner}
        properties |= {name: given[name] for name in _KEPT if given.get(name) is not None}
        if current is not None:
            _refuse_changes(properties, current.properties)
        return properties

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes, its identities checked. Raises ArmError."""
        document = super().fill(site, id_, body, current)
        if body.get("identity"):
            document["identity"] = identities.checked(site, id_, body["identity"])
        return document

    def restated(self, resource: Resource) -> Document:
        """The body of a PUT that would change nothing: without the password's digest."""
        document = super().restated(resource)
        (document["properties"].get("osProfile") or {}).pop("adminPassword", None)
        return document

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
        document["properties"]["vmId"] = resource.guid
        document["properties"].get("osProfile", {}).pop("adminPassword", None)
        if document.get("identity"):
            document["identity"] = identities.told(site, resource, document["identity"])
        return document

    def instance_view(self, resource: Resource) -> Document:
        """The machine's statuses: how making it went, and whether it runs."""
        statuses = [_status(f"ProvisioningState/{resource.state.lower()}", f"Provisioning {resource.state.lower()}")]
        if resource.power:
            statuses.append(_status(f"PowerState/{resource.power}", f"VM {resource.power}"))
        name = resource.properties.get("osProfile", {}).get("computerName", resource.id.name)
        return {"computerName": name, "statuses": statuses}


POWER = {"start": "running", "restart": "running", "powerOff": "stopped", "deallocate": "deallocated"}


def _status(code: str, text: str) -> dict[str, str]:
    return {"code": code, "level": "Info", "displayStatus": text}


def _attaches(storage: Document) -> bool:
    """Whether a machine starts from a disk that is there already, and not from an image."""
    return same(str((storage.get("osDisk") or {}).get("createOption")), "Attach")


def _storage(site: Site, id_: ResourceId, given: Document, location: str) -> Document:
    """The storage profile, the disks that it attaches checked. Raises ArmError."""
    found: Document = {"osDisk": {}, "dataDisks": [], **given}
    disks = [found["osDisk"], *found["dataDisks"]]
    numbers = [disk.get("lun") for disk in found["dataDisks"]]
    if len(set(numbers)) < len(numbers):
        raise invalid_request("InvalidParameter", "A lun of the data disks is used more than once.", "dataDisks.lun")
    for disk in disks:
        managed = disk.get("managedDisk") or {}
        if managed.get("id"):
            owner = linked(site, str(id_), managed, Disks.type, location)
            for user in site.store.users(owner):
                if not same(user, str(id_)):
                    raise ArmError(
                        409,
                        "ConflictingUserInput",
                        f"Disk '{owner}' cannot be attached as the disk is already owned by VM '{user}'.",
                    )
            disk["managedDisk"] = {**managed, "id": owner}
    return found


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
    old: Document = current.properties.get("osProfile", {}) if current else {}
    given = given or {}
    linux = given.get("linuxConfiguration") or {}
    windows = given.get("windowsConfiguration")
    password = given.get("adminPassword")
    profile: Document = {
        "computerName": given.get("computerName") or old.get("computerName") or id_.name,
        "adminUsername": given.get("adminUsername") or old.get("adminUsername") or _need(given, "adminUsername"),
        **(
            {"windowsConfiguration": {"provisionVMAgent": True, "enableAutomaticUpdates": True, **windows}}
            if windows is not None
            else {"linuxConfiguration": {"disablePasswordAuthentication": False, **linux}}
        ),
        "secrets": given.get("secrets") or [],
        "allowExtensionOperations": bool(given.get("allowExtensionOperations", True)),
    }
    keys_only = bool(linux.get("disablePasswordAuthentication") and (linux.get("ssh") or {}).get("publicKeys"))
    if password is not None:
        if not keys_only:  # many templates hand their key over as the password, too
            _refuse_weak(str(password))
        profile["adminPassword"] = hashlib.sha256(f"{id_.key} {password}".encode()).hexdigest()
    elif "adminPassword" in old:
        profile["adminPassword"] = old["adminPassword"]
    elif not keys_only:
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
        if new.get(profile, {}).get(name) != old.get(profile, {}).get(name):
            target = f"{profile}.{name}" if profile == "osProfile" else name
            raise ArmError(
                409, "PropertyChangeNotAllowed", f"Changing property '{target}' is not allowed.", target=target
            )


def interfaces_of(machine: Resource) -> list[str]:
    """The ids of a machine's interfaces, the primary one first."""
    listed = machine.properties["networkProfile"]["networkInterfaces"]
    primary = sorted(listed, key=lambda item: not (item.get("properties") or {}).get("primary", False))
    return [item["id"] for item in primary]
