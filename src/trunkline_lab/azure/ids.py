"""Resource ids: what they are made of, and how two of them compare."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trunkline_lab.azure.errors import ArmError

_SHAPE = re.compile(
    r"^/subscriptions/(?P<sub>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/(?P<ns>[^/]+)/(?P<rest>.+?)/?$", re.I
)


@dataclass(frozen=True)
class ResourceId:
    """The id of a resource in a resource group: types and names alternate, parents first.

    Parameters:
        subscription: The subscription's id.
        group: The resource group's name.
        namespace: The provider's, such as "Microsoft.Network".
        types: ("virtualNetworks", "subnets").
        names: As many names as there are types.
    """

    subscription: str
    group: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> ResourceId:
        """The parts of `text`. Raises ArmError (LinkedInvalidPropertyId) when it is no resource id."""
        found = _SHAPE.match(text)
        rest = found["rest"].split("/") if found else []
        if found is None or len(rest) % 2 or not all(rest):
            raise ArmError(
                400,
                "LinkedInvalidPropertyId",
                f"Property id '{text}' is invalid. Expect fully qualified resource Id that start with "
                "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.",
            )
        return cls(found["sub"], found["group"], found["ns"], tuple(rest[::2]), tuple(rest[1::2]))

    @property
    def type(self) -> str:
        """The full type, such as "Microsoft.Network/virtualNetworks/subnets"."""
        return "/".join((self.namespace, *self.types))

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1]

    @property
    def path_name(self) -> str:
        """All names, as a template writes them: "network/subnet"."""
        return "/".join(self.names)

    @property
    def parent(self) -> ResourceId:
        """The id one level up; itself at the top."""
        if len(self.types) == 1:
            return self
        return ResourceId(self.subscription, self.group, self.namespace, self.types[:-1], self.names[:-1])

    @property
    def top(self) -> ResourceId:
        """The id of the tracked resource that holds it; itself at the top."""
        return ResourceId(self.subscription, self.group, self.namespace, self.types[:1], self.names[:1])

    @property
    def key(self) -> str:
        """What two spellings of one id have in common."""
        return str(self).lower()

    def child(self, type_: str, name: str) -> ResourceId:
        """The id of a child."""
        return ResourceId(self.subscription, self.group, self.namespace, (*self.types, type_), (*self.names, name))

    def __str__(self) -> str:
        pairs = "/".join(f"{type_}/{name}" for type_, name in zip(self.types, self.names, strict=True))
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{self.namespace}/{pairs}"


def same(one: str, other: str) -> bool:
    """Whether two ids name one resource; ARM does not mind their case."""
    return one.lower() == other.lower()
