"""What every resource type offers, and what it is given to work with."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@dataclass
class Work:
    """One resource in the making.

    Parameters:
        client: Gives an SDK client by service name, acting for the stack's account and region.
        logical: The resource's name in the template.
        stack: The stack's name.
        properties: Evaluated, checked, in the schema's types; Tags are in `tags`.
        tags: All tags of the resource: the template's, the stack's, CloudFormation's own.
        physical: The physical id; "" until made.
        attributes: What Fn::GetAtt gives; a function gives what there is when it is asked.
        made: Call it with the physical id as soon as there is one, so that a failure afterwards is rolled back.
    """

    client: Callable[[str], Any]
    logical: str
    stack: str
    properties: Mapping[str, Any]
    tags: Mapping[str, str]
    made: Callable[[str], None]
    physical: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def ec2(self) -> EC2Client:
        """The EC2 client."""
        client: EC2Client = self.client("ec2")
        return client

    def specification(self, kind: Any) -> dict[str, Any]:
        """The TagSpecifications argument of an EC2 create call, {} without tags."""
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}

    def name(self) -> str:
        """A name of the resource's own, as CloudFormation makes them: stack, logical name and chance."""
        return f"{self.stack}-{self.logical}-{uuid.uuid4().hex[:12]}"

    def given(self, *names: str, **renamed: str) -> dict[str, Any]:
        """The properties with these names that are there, as call arguments; `renamed` gives argument=property."""
        pairs = {**{name: name for name in names}, **renamed}
        return {argument: self.properties[name] for argument, name in pairs.items() if name in self.properties}


class ResourceType(ABC):
    """One type: `create` fills physical and attributes, `update` changes in place, `delete` removes.

    Attributes:
        kind: The type's name.
        properties: What a template may set; others are in the schema but not in the lab, and are refused.
        updates: Those of them that `update` changes in place.
        absent: EC2 error codes that mean the resource is gone, so that deleting it is done.
    """

    kind: ClassVar[str]
    properties: ClassVar[frozenset[str]] = frozenset()
    updates: ClassVar[frozenset[str]] = frozenset({"Tags"})
    absent: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def create(self, work: Work) -> None:
        """Make it."""

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Change it in place to `work.properties` and `work.tags`; by default the tags are all that can change."""
        retag(work, work.physical, old_tags)

    @abstractmethod
    def delete(self, work: Work) -> None:
        """Remove it; `work` holds the properties that it was made with."""


def retag(work: Work, identity: str, old: Mapping[str, str]) -> None:
    """Bring an EC2 resource's tags from `old` to `work.tags`."""
    changed = [{"Key": key, "Value": value} for key, value in work.tags.items() if old.get(key) != value]
    gone = [{"Key": key} for key in old if key not in work.tags]
    if changed:
        work.ec2.create_tags(Resources=[identity], Tags=changed)  # type: ignore[arg-type]
    if gone:
        work.ec2.delete_tags(Resources=[identity], Tags=gone)  # type: ignore[arg-type]


def own(tags: Mapping[str, str]) -> dict[str, str]:
    """Without CloudFormation's own tags: services other than EC2 take none whose key begins with "aws:"."""
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}
