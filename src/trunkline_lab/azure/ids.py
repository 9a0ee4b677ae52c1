"""Resource ids: what they are made of, and how two of them compare."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from trunkline_lab.azure.errors import ArmError

GROUPS = "Microsoft.Resources/resourceGroups"
_PLACE = re.compile(r"^/subscriptions/(?P<sub>[^/]+)(?:/resourcegroups/(?P<group>[^/]+))?$", re.I)
_SHAPE = re.compile(r"^(?P<scope>/.+)/providers/(?P<ns>[^/]+)/(?P<rest>[^/].*)$", re.I)


@dataclass(frozen=True)
class ResourceId:
    """The id of a resource: types and names alternate, parents first.

    Parameters:
        subscription: The subscription's id.
        group: The resource group's name; "" for what lies in the subscription itself.
        namespace: The provider's, such as "Microsoft.Network".
        types: ("virtualNetworks", "subnets").
        names: As many names as there are types.
        within: The id of the resource that an extension resource (a role assignment) belongs to, else "".
    """

    subscription: str
    group: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    within: str = ""

    @classmethod
    def parse(cls, text: str) -> ResourceId:
        """The parts of `text`, also of a resource group's id. Raises ArmError (LinkedInvalidPropertyId)."""
        text = text.rstrip("/")
        group = _PLACE.match(text)
        if group is not None and group["group"]:
            return cls.of_group(group["sub"], group["group"])
        found = _SHAPE.match(text)
        rest = found["rest"].split("/") if found else []
        if found is None or len(rest) % 2 or not all(rest):
            raise _invalid(text)
        types, names = tuple(rest[::2]), tuple(rest[1::2])
        place = _PLACE.match(found["scope"])
        if place is not None:
            return cls(place["sub"], place["group"] or "", found["ns"], types, names)
        owner = cls.parse(found["scope"])
        return cls(owner.subscription, owner.group, found["ns"], types, names, str(owner))

    @classmethod
    def of_group(cls, subscription: str, name: str) -> ResourceId:
        """The id of a resource group, which is a resource of its subscription."""
        namespace, _, type_ = GROUPS.partition("/")
        return cls(subscription, "", namespace, (type_,), (name,))

    @property
    def is_group(self) -> bool:
        """Whether it names a resource group."""
        return same(self.type, GROUPS)

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
        return self if len(self.types) == 1 else replace(self, types=self.types[:-1], names=self.names[:-1])

    @property
    def top(self) -> ResourceId:
        """The id of the tracked resource that holds it; itself at the top."""
        return self if len(self.types) == 1 else replace(self, types=self.types[:1], names=self.names[:1])

    @property
    def key(self) -> str:
        """What two spellings of one id have in common."""
        return str(self).lower()

    @property
    def scope(self) -> str:
        """The id of what holds it: a resource, a resource group or a subscription."""
        if self.within:
            return self.within
        return f"/subscriptions/{self.subscription}" + (f"/resourceGroups/{self.group}" if self.group else "")

    def child(self, type_: str, name: str) -> ResourceId:
        """The id of a child."""
        return replace(self, types=(*self.types, type_), names=(*self.names, name))

    def __str__(self) -> str:
        if self.is_group:
            return f"/subscriptions/{self.subscription}/resourceGroups/{self.name}"
        pairs = "/".join(f"{type_}/{name}" for type_, name in zip(self.types, self.names, strict=True))
        return f"{self.scope}/providers/{self.namespace}/{pairs}"


def same(one: str, other: str) -> bool:
    """Whether two ids name one resource; ARM does not mind their case."""
    return one.lower() == other.lower()


def _invalid(text: str) -> ArmError:
    return ArmError(
        400,
        "LinkedInvalidPropertyId",
        f"Property id '{text}' is invalid. Expect fully qualified resource Id that start with "
        "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.",
    )
