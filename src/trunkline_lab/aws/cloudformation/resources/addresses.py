"""Elastic addresses and what they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag


class Eip(ResourceType):
    """AWS::EC2::EIP; Ref is the address itself."""

    kind = "AWS::EC2::EIP"
    properties = frozenset({"Domain", "InstanceId", "Tags"})
    updates = frozenset({"Domain", "InstanceId", "Tags"})
    absent = frozenset({"InvalidAllocationID.NotFound"})

    def create(self, work: Work) -> None:
        """Allocate it, and associate it with the instance that is named."""
        done = work.ec2.allocate_address(Domain="vpc", **work.specification("elastic-ip"))
        work.attributes |= {"AllocationId": done["AllocationId"], "PublicIp": done["PublicIp"]}
        work.made(done["PublicIp"])
        self._associate(work)

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another instance, or other tags."""
        if work.properties.get("InstanceId") != old.get("InstanceId"):
            self._disassociate(work)
            self._associate(work)
        retag(work, work.attributes["AllocationId"], old_tags)

    def delete(self, work: Work) -> None:
        """Release it, after ending the association that it made itself."""
        if work.properties.get("InstanceId"):
            self._disassociate(work)
        work.ec2.release_address(AllocationId=work.attributes["AllocationId"])

    @staticmethod
    def _associate(work: Work) -> None:
        if work.properties.get("InstanceId"):
            work.ec2.associate_address(AllocationId=work.attributes["AllocationId"], **work.given("InstanceId"))

    @staticmethod
    def _disassociate(work: Work) -> None:
        found = work.ec2.describe_addresses(AllocationIds=[work.attributes["AllocationId"]])["Addresses"]
        if found and found[0].get("AssociationId"):
            work.ec2.disassociate_address(AssociationId=found[0]["AssociationId"])


class EipAssociation(ResourceType):
    """AWS::EC2::EIPAssociation; Ref is the association's id."""

    kind = "AWS::EC2::EIPAssociation"
    properties = frozenset({"AllocationId", "NetworkInterfaceId", "InstanceId", "PrivateIpAddress", "EIP"})
    absent = frozenset({"InvalidAssociationID.NotFound"})

    def create(self, work: Work) -> None:
        """Associate."""
        named = work.given("AllocationId", "NetworkInterfaceId", "InstanceId", "PrivateIpAddress", PublicIp="EIP")
        work.made(work.ec2.associate_address(**named)["AssociationId"])
        work.attributes |= {"Id": work.physical}

    def delete(self, work: Work) -> None:
        """Disassociate."""
        work.ec2.disassociate_address(AssociationId=work.physical)
