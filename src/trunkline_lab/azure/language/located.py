"""Functions that make ids, and those that ask the cloud."""

from __future__ import annotations

from typing import Any

from trunkline_lab.azure.errors import invalid_template
from trunkline_lab.azure.ids import GROUPS, ResourceId, same
from trunkline_lab.azure.language.expressions import Call
from trunkline_lab.azure.language.formats import text
from trunkline_lab.azure.language.scope import Reference, Scope, refused, special
from trunkline_lab.azure.resources.kind import regions
from trunkline_lab.azure.versions import known_range

# Azure's public cloud, as https://learn.microsoft.com/azure/azure-resource-manager/templates/
# template-functions-deployment#environment tells it.
_ENVIRONMENT = {
    "name": "AzureCloud",
    "gallery": "https://gallery.azure.com/",
    "graph": "https://graph.windows.net/",
    "portal": "https://portal.azure.com",
    "graphAudience": "https://graph.windows.net/",
    "activeDirectoryDataLake": "https://datalake.azure.net/",
    "batch": "https://batch.core.windows.net/",
    "media": "https://rest.media.azure.net",
    "sqlManagement": "https://management.core.windows.net:8443/",
    "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/"
    "quickstart-templates/aliases.json",
    "resourceManager": "https://management.azure.com/",
    "authentication": {
        "loginEndpoint": "https://login.microsoftonline.com/",
        "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
        "tenant": "common",
        "identityProvider": "AAD",
    },
    "suffixes": {
        "acrLoginServer": ".azurecr.io",
        "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
        "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
        "azureFrontDoorEndpointSuffix": "azurefd.net",
        "keyvaultDns": ".vault.azure.net",
        "sqlServerHostname": ".database.windows.net",
        "storage": "core.windows.net",
    },
}


@special("environment")
def _environment(scope: Scope, tree: Call) -> Any:
    return _ENVIRONMENT


def _texts(scope: Scope, tree: Call) -> list[str]:
    return [text(scope.evaluate(argument)) for argument in tree.arguments]


def _typed(tree: Call, parts: list[str], most: int) -> tuple[list[str], str, list[str], list[str]]:
    """What stands before the type, the namespace, the types and as many names. Raises ArmError."""
    at = next((at for at, part in enumerate(parts) if "/" in part), None)
    if at is None or at > most:
        raise refused(tree, "a fully qualified resource type such as 'Microsoft.Network/virtualNetworks' was expected")
    namespace, *types = parts[at].strip("/").split("/")  # templates often end a type in "/"
    names = [name for part in parts[at + 1 :] for name in part.split("/")]
    if len(names) != len(types):
        raise refused(tree, f"the type '{parts[at]}' has {len(types)} levels and needs as many names, not {len(names)}")
    return parts[:at], namespace, types, names


@special("resourceId")
def _resource_id(scope: Scope, tree: Call) -> str:
    """resourceId([subscription], [group], type, name...): the names are as many as the type has levels."""
    before, namespace, types, names = _typed(tree, _texts(scope, tree), 2)
    subscription, group = scope.place.group_path
    if not group and len(before) < 2:  # at the scope of a subscription there is no group to leave out
        return str(ResourceId(before[0] if before else subscription, "", namespace, tuple(types), tuple(names)))
    group = before[-1] if before else group
    subscription = before[0] if len(before) == 2 else subscription
    if same("/".join((namespace, *types)), GROUPS):
        return str(ResourceId.of_group(subscription, names[0]))
    return str(ResourceId(subscription, group, namespace, tuple(types), tuple(names)))


@special("subscriptionResourceId")
def _subscription_resource_id(scope: Scope, tree: Call) -> str:
    before, namespace, types, names = _typed(tree, _texts(scope, tree), 1)
    owner = before[0] if before else scope.place.group_path[0]
    return str(ResourceId(owner, "", namespace, tuple(types), tuple(names)))


@special("tenantResourceId")
def _tenant_resource_id(scope: Scope, tree: Call) -> str:
    _, namespace, types, names = _typed(tree, _texts(scope, tree), 0)
    pairs = "/".join(f"{type_}/{name}" for type_, name in zip(types, names, strict=True))
    return f"/providers/{namespace}/{pairs}"


@special("extensionResourceId")
def _extension_resource_id(scope: Scope, tree: Call) -> str:
    """extensionResourceId(resource's id, type, name...)."""
    owner, *rest = _texts(scope, tree) or [""]
    _, namespace, types, names = _typed(tree, rest, 0)
    pairs = "/".join(f"{type_}/{name}" for type_, name in zip(types, names, strict=True))
    return f"{owner.rstrip('/')}/providers/{namespace}/{pairs}"


def _asked(scope: Scope, tree: Call) -> Reference:
    """What answers while a template is deployed. Raises ArmError where a template must not ask."""
    if scope.reference is None:
        raise invalid_template(f"The template function '{tree.spelling}' is not expected at this location")
    return scope.reference


@special("reference")
def _reference(scope: Scope, tree: Call) -> Any:
    """reference(name, symbol or id, [apiVersion], ['Full'])."""
    asked = _asked(scope, tree)
    if not 1 <= len(tree.arguments) <= 3:
        raise refused(tree, "it takes one to three arguments")
    values = [scope.evaluate(argument) for argument in tree.arguments]
    full = len(values) > 1 and str(values[-1]).lower() == "full"
    if len(values) == 3 and not full:
        raise refused(tree, "its third argument is 'Full'")
    version = None if len(values) == 1 or (full and len(values) == 2) else str(values[1])
    return asked(str(values[0]), version, full)


@special("references")
def _references(scope: Scope, tree: Call) -> list[Any]:
    """references(symbol of a loop, ['Full'])."""
    asked = _asked(scope, tree)
    values = _texts(scope, tree)
    if not 1 <= len(values) <= 2:
        raise refused(tree, "it takes one or two arguments")
    return asked.many(values[0], len(values) == 2 and values[1].lower() == "full")


@special("resourceInfo")
def _resource_info(scope: Scope, tree: Call) -> Any:
    return _asked(scope, tree).info(text(scope.evaluate(tree.arguments[0])))


@special("providers")
def _providers(scope: Scope, tree: Call) -> Any:
    """providers(namespace, [type]): the regions and API versions. Azure calls it deprecated, and still answers."""
    values = _texts(scope, tree)
    if len(values) != 2:
        raise refused(tree, "the lab's Azure answers it for a namespace and a type")
    try:
        first, last = known_range("/".join(values))
    except KeyError:
        raise refused(tree, f"the lab's Azure has no namespace '{values[0]}'") from None
    return {"resourceType": values[1], "locations": regions(), "apiVersions": [last, first]}


_ZONED = {
    "microsoft.compute/virtualmachines",
    "microsoft.compute/disks",
    "microsoft.network/publicipaddresses",
    "microsoft.network/publicipprefixes",
    "microsoft.network/natgateways",
    "microsoft.network/loadbalancers",
}
# The regions with zones: https://learn.microsoft.com/azure/reliability/regions-list.
_WITH_ZONES = frozenset(
    [
        "australiaeast",
        "austriaeast",
        "brazilsouth",
        "canadacentral",
        "centralindia",
        "centralus",
        "eastasia",
        "eastus",
        "eastus2",
        "francecentral",
        "germanywestcentral",
        "indonesiacentral",
        "israelcentral",
        "italynorth",
        "japaneast",
        "japanwest",
        "koreacentral",
        "malaysiawest",
        "mexicocentral",
        "newzealandnorth",
        "northeurope",
        "norwayeast",
        "polandcentral",
        "qatarcentral",
        "southafricanorth",
        "southcentralus",
        "southeastasia",
        "spaincentral",
        "swedencentral",
        "switzerlandnorth",
        "uaenorth",
        "uksouth",
        "westeurope",
        "westus2",
        "westus3",
    ]
)


@special("pickZones")
def _pick_zones(scope: Scope, tree: Call) -> list[str]:
    """pickZones(namespace, type, location, [how many], [offset]): none where type or location has no zones."""
    values = [scope.evaluate(argument) for argument in tree.arguments]
    if not 3 <= len(values) <= 5 or not all(isinstance(value, int) for value in values[3:]):
        raise refused(tree, "it takes a namespace, a type, a location, and perhaps two whole numbers")
    type_, location = f"{values[0]}/{values[1]}".lower(), str(values[2]).replace(" ", "").lower()
    if type_ not in _ZONED or location not in _WITH_ZONES:
        return []
    count, offset = [*values[3:], 1, 0][:2] if len(values) == 3 else [*values[3:], 0][:2]
    zones = ["1", "2", "3"][offset : offset + count]
    if len(zones) < count:
        raise refused(tree, f"there are three zones, and {count} after {offset} are not among them")
    return zones
