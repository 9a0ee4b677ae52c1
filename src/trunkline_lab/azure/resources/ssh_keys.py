"""Microsoft.Compute/sshPublicKeys."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Kind, Site, names
from trunkline_lab.azure.store import Document, Resource

_ALGORITHMS = ("ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-")


class SshKeys(Kind):
    """SSH public keys. Azure's own making of a pair (generateKeyPair) is refused: the key is given."""

    type: ClassVar[str] = "Microsoft.Compute/sshPublicKeys"
    known: ClassVar[frozenset[str]] = names("publicKey")
    networked: ClassVar[bool] = False
    patches: ClassVar[frozenset[str]] = frozenset({"tags", "properties"})

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError for a key that is none."""
        key = (body.get("properties") or {}).get("publicKey")
        if key is not None and not str(key).strip().startswith(_ALGORITHMS):
            raise invalid_request("InvalidParameter", "The value of parameter publicKey is no public key.", "publicKey")
        return {"publicKey": key} if key is not None else {}

    def view(self, site: Site, resource: Resource) -> Document:
        """The key; Microsoft.Compute tells no state of it."""
        document = super().view(site, resource)
        del document["properties"]["provisioningState"]
        return document
