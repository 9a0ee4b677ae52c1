"""The resource types that the lab's Azure knows, and in which API versions."""

from __future__ import annotations

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import GROUPS, ResourceId, same
from trunkline_lab.azure.items import DEPLOYMENTS
from trunkline_lab.azure.resources.application_security_groups import ApplicationSecurityGroups
from trunkline_lab.azure.resources.availability_sets import AvailabilitySets
from trunkline_lab.azure.resources.connections import Connections
from trunkline_lab.azure.resources.disks import Disks
from trunkline_lab.azure.resources.identities import Identities
from trunkline_lab.azure.resources.interfaces import Interfaces
from trunkline_lab.azure.resources.kind import Children, Kind, regions
from trunkline_lab.azure.resources.load_balancers import LoadBalancers
from trunkline_lab.azure.resources.local_gateways import LocalGateways
from trunkline_lab.azure.resources.nat_gateways import NatGateways
from trunkline_lab.azure.resources.public_addresses import PublicAddresses
from trunkline_lab.azure.resources.public_prefixes import PublicPrefixes
from trunkline_lab.azure.resources.role_assignments import RoleAssignments
from trunkline_lab.azure.resources.route_tables import RouteTables
from trunkline_lab.azure.resources.security_groups import SecurityGroups
from trunkline_lab.azure.resources.ssh_keys import SshKeys
from trunkline_lab.azure.resources.storage_accounts import StorageAccounts
from trunkline_lab.azure.resources.virtual_gateways import VirtualGateways
from trunkline_lab.azure.resources.virtual_machines import VirtualMachines
from trunkline_lab.azure.resources.virtual_networks import VirtualNetworks
from trunkline_lab.azure.versions import is_known, known_range


class Catalogue:
    """All types.

    Parameters:
        router_image: (publisher, offer) of the router's image.
        basic: Whether the Basic SKUs of addresses and load balancers, which Azure retired, can be made.
    """

    def __init__(self, router_image: tuple[str, str], basic: bool) -> None:
        self.machines = VirtualMachines(router_image)
        kinds: tuple[Kind, ...] = (
            VirtualNetworks(),
            SecurityGroups(),
            RouteTables(),
            PublicAddresses(basic),
            PublicPrefixes(),
            ApplicationSecurityGroups(),
            NatGateways(),
            LoadBalancers(basic),
            Interfaces(),
            LocalGateways(),
            VirtualGateways(),
            Connections(),
            self.machines,
            AvailabilitySets(),
            Disks(),
            SshKeys(),
            Identities(),
            RoleAssignments(),
            StorageAccounts(),
        )
        self._kinds = {kind.type.lower(): kind for kind in kinds}

    def types(self) -> list[str]:
        """All types, children after their parents."""
        found = []
        for kind in self._kinds.values():
            found += [kind.type, *(child.type for child in kind.children.values())]
        return [*found, DEPLOYMENTS, GROUPS]

    def known(self, type_: str, api_version: object) -> str:
        """The type as Azure spells it. Raises ArmError for an unknown namespace, type or API version."""
        namespace, _, rest = type_.partition("/")
        ours = [one for one in self.types() if same(one.partition("/")[0], namespace)]
        if not ours:
            raise invalid_request(
                "InvalidResourceNamespace",
                f"The resource namespace '{namespace}' is invalid: the lab's Azure does not have it.",
            )
        found = next((one for one in ours if same(one, type_)), None)
        if found is None:
            raise invalid_request(
                "InvalidResourceType",
                f"The resource type '{rest}' could not be found in the namespace '{namespace}' for api version "
                f"'{api_version}'. The supported resource types are "
                f"'{', '.join(one.partition('/')[2] for one in ours)}': the lab's Azure does not have others.",
            )
        self.refuse_version(found, api_version)
        return found

    def refuse_version(self, type_: str, version: object) -> None:
        """Raise ArmError (NoRegisteredProviderFound) when a type that there is has not this API version."""
        if not any(same(one, type_) for one in self.types()) or is_known(type_, version):
            return
        first, last = known_range(type_)
        raise invalid_request(
            "NoRegisteredProviderFound",
            f"No registered resource provider found for API version '{version}' for type "
            f"'{type_.partition('/')[2]}'. The supported api-versions are '{first}' to '{last}'. "
            f"The supported locations are '{', '.join(regions())}'.",
        )

    def top(self, type_: str) -> Kind:
        """The kind of a top type. Raises ArmError (InvalidResourceType)."""
        kind = self._kinds.get(type_.lower())
        if kind is None:
            raise ArmError(404, "InvalidResourceType", f"The resource type '{type_}' could not be found.")
        return kind

    def kind(self, id_: ResourceId) -> tuple[Kind, Children | None]:
        """The type of the top resource, and of the child when `id_` is one. Raises ArmError."""
        kind = self._kinds.get(id_.top.type.lower())
        if kind is None or len(id_.types) > 2 or bool(id_.within) > kind.extends:
            raise _unknown(id_)
        if len(id_.types) == 1:
            return kind, None
        for name, child in kind.children.items():
            if same(name, id_.types[1]):
                return kind, child
        raise _unknown(id_)


def _unknown(id_: ResourceId) -> ArmError:
    return ArmError(
        404,
        "InvalidResourceType",
        f"The resource type '{'/'.join(id_.types)}' could not be found in the namespace '{id_.namespace}': "
        "the lab's Azure does not have it.",
    )
