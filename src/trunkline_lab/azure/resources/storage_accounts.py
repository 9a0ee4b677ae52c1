"""Microsoft.Storage/storageAccounts: accounts as records, which machines name for their boot diagnostics."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Kind, Site, names, one_of, refuse_parts
from trunkline_lab.azure.store import Document, Resource

_NAME = re.compile(r"^[a-z0-9]{3,24}$")
_SKUS = (
    "Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS", "Premium_LRS",
    "Premium_ZRS",
)  # fmt: skip
_KINDS = ("Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage")
_SERVICES = ("blob", "queue", "table", "file", "web", "dfs")


class StorageAccounts(Kind):
    """Storage accounts: their endpoints and keys are told, and nothing can be stored in them."""

    type: ClassVar[str] = "Microsoft.Storage/storageAccounts"
    created: ClassVar[int] = 200  # docs/reference/lab-azure.md, doubts
    known: ClassVar[frozenset[str]] = names("""
    accessTier accountType allowBlobPublicAccess allowSharedKeyAccess allowCrossTenantReplication encryption
    minimumTlsVersion networkAcls supportsHttpsTrafficOnly isHnsEnabled publicNetworkAccess primaryEndpoints
    primaryLocation statusOfPrimary creationTime largeFileSharesState dnsEndpointType defaultToOAuthAuthentication
    azureFilesIdentityBasedAuthentication allowedCopyScope keyPolicy sasPolicy isLocalUserEnabled isSftpEnabled
    isNfsV3Enabled customDomain
    """)
    extras: ClassVar[frozenset[str]] = frozenset({"sku", "kind", "zones"})
    networked: ClassVar[bool] = False
    patches: ClassVar[frozenset[str]] = frozenset({"tags", "sku", "kind", "properties"})

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        if not _NAME.match(id_.name):
            raise invalid_request(
                "AccountNameInvalid",
                f"{id_.name} is not a valid storage account name. Storage account name must be between 3 and 24 "
                "characters in length and use numbers and lower-case letters only.",
            )
        given = body.get("properties") or {}
        refuse_parts(id_, given, ("customDomain",))
        # The first API versions had the SKU as a property.
        one_of((body.get("sku") or {}).get("name") or given.get("accountType"), _SKUS, "sku.name", id_)
        one_of(body.get("kind"), _KINDS, "kind", id_, "Storage")

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes. Raises ArmError for a name that another account has."""
        for other in site.store.resources(type_=self.type):
            if other.id.key != id_.key and same(other.id.name, id_.name):
                raise ArmError(
                    409, "StorageAccountAlreadyTaken", f"The storage account named {id_.name} is already taken."
                )
        document = super().fill(site, id_, body, current)
        name = (body.get("sku") or {}).get("name") or (body.get("properties") or {}).get("accountType")
        sku = one_of(name, _SKUS, "sku.name", id_)
        return {
            **document,
            "sku": {"name": sku, "tier": sku.partition("_")[0]},
            "kind": one_of(body.get("kind"), _KINDS, "kind", id_, "Storage"),
        }

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = {name: value for name, value in (body.get("properties") or {}).items() if name != "accountType"}
        own: Document = {
            "supportsHttpsTrafficOnly": True,
            "primaryLocation": body["location"].replace(" ", "").lower(),
            "statusOfPrimary": "available",
            "primaryEndpoints": {name: f"https://{id_.name}.{name}.core.windows.net/" for name in _SERVICES},
        }
        return {**own, **given, "primaryEndpoints": own["primaryEndpoints"]}

    def listed(self, site: Site, resource: Resource, action: str) -> Document:
        """The account's two keys (listKeys). Raises ArmError for other actions."""
        if not same(action, "listKeys"):
            return super().listed(site, resource, action)
        return {
            "keys": [
                {"keyName": name, "value": _key(resource.guid, name), "permissions": "FULL"}
                for name in ("key1", "key2")
            ]
        }


def _key(guid: str, name: str) -> str:
    """A key of an account: 64 bytes that follow from the account's own number."""
    return base64.b64encode(hashlib.sha512(f"{guid} {name}".encode()).digest()).decode()
