"""Linked templates: addresses that stand for local files, because the lab asks no other machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.relaxed import read_json


class Links:
    """The files that addresses stand for.

    Parameters:
        folders: The local folder, or file, by the beginning of the addresses that it stands for, such as
            {"https://example.org/templates/": Path("templates")}.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)

    def read(self, uri: str) -> Any:
        """The document at an address; what follows a "?" does not matter. Raises ArmError (InvalidContentLink)."""
        plain = urlsplit(uri)._replace(query="", fragment="").geturl()
        for prefix in sorted(self._folders, key=len, reverse=True):
            if not plain.startswith(prefix):
                continue
            root, rest = self._folders[prefix].resolve(), unquote(plain.removeprefix(prefix)).lstrip("/")
            path = (root / rest).resolve() if rest else root
            if path.is_relative_to(root) and path.is_file():
                return _parsed(uri, path)
        raise _broken(uri, "The lab's Azure reads such addresses only where a folder was given for them.")

    def of(self, link: Any, parent: str | None) -> tuple[str, Any]:
        """The address and the document of a `templateLink` or `parametersLink`.

        Parameters:
            link: {"uri"} or {"relativePath"}, and perhaps {"contentVersion"}.
            parent: The address of the template that the link stands in, if it has one.

        Raises:
            ArmError: InvalidContentLink.
        """
        if not isinstance(link, dict) or not (link.get("uri") or link.get("relativePath") or link.get("id")):
            raise _broken(str(link), "A link has a uri or a relativePath.")
        if link.get("id"):
            raise _broken(str(link["id"]), "The lab's Azure has no template specs.")
        if link.get("uri"):
            uri = str(link["uri"])
        elif parent is None:
            raise _broken(str(link["relativePath"]), "A relativePath needs a parent template that is linked itself.")
        else:
            uri = urljoin(parent, str(link["relativePath"]))
        document = self.read(uri)
        wanted = link.get("contentVersion")
        if wanted and isinstance(document, dict) and document.get("contentVersion") not in (None, wanted):
            raise _broken(uri, f"Its contentVersion is '{document['contentVersion']}', and not '{wanted}'.")
        return uri, document


def _parsed(uri: str, path: Path) -> Any:
    try:
        return read_json(path.read_text("utf-8-sig"))
    except ValueError as unread:
        raise _broken(uri, f"It is no JSON: {unread}") from unread


def _broken(uri: str, why: str) -> ArmError:
    return ArmError(400, "InvalidContentLink", f"Unable to download deployment content from '{uri}'. {why}")
