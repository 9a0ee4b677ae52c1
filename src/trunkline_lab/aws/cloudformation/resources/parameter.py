"""SSM parameters."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work


class Parameter(ResourceType):
    """AWS::SSM::Parameter; Ref is its name."""

    kind = "AWS::SSM::Parameter"
    properties = frozenset({"Name", "Type", "Value", "Description", "AllowedPattern", "Tier", "DataType", "Policies"})
    updates = frozenset({"Type", "Value", "Description", "AllowedPattern", "Tier", "DataType", "Policies"})
    absent = frozenset({"ParameterNotFound"})

    def create(self, work: Work) -> None:
        """Put it; the name must be free."""
        name = work.properties.get("Name") or f"CFN-{work.logical}-{uuid.uuid4().hex[:12]}"
        self._put(work, name, overwrite=False)
        work.made(name)
        work.attributes |= {"Type": work.properties["Type"], "Value": work.properties["Value"]}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Put it again."""
        self._put(work, work.physical, overwrite=True)
        work.attributes |= {"Type": work.properties["Type"], "Value": work.properties["Value"]}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.client("ssm").delete_parameter(Name=work.physical)

    @staticmethod
    def _put(work: Work, name: str, *, overwrite: bool) -> None:
        named = work.given("Type", "Value", "Description", "AllowedPattern", "Tier", "DataType", "Policies")
        work.client("ssm").put_parameter(Name=name, Overwrite=overwrite, **named)
