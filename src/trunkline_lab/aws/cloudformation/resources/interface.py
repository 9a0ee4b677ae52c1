"""Network interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag


class NetworkInterface(ResourceType):
    """AWS::EC2::NetworkInterface; Ref is its id."""

    kind = "AWS::EC2::NetworkInterface"
    properties = frozenset(
        {
            "SubnetId",
            "Description",
            "PrivateIpAddress",
            "PrivateIpAddresses",
            "SecondaryPrivateIpAddressCount",
            "GroupSet",
            "SourceDestCheck",
            "Tags",
        }
    )
    updates = frozenset({"Description", "GroupSet", "SourceDestCheck", "Tags"})
    absent = frozenset({"InvalidNetworkInterfaceID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it, then set the source/destination check, which only a modify call sets."""
        named = work.given("SubnetId", "Description", "PrivateIpAddress", "PrivateIpAddresses", Groups="GroupSet")
        count = work.given("SecondaryPrivateIpAddressCount")
        made = work.ec2.create_network_interface(**named, **count, **work.specification("network-interface"))
        interface = made["NetworkInterface"]
        work.made(interface["NetworkInterfaceId"])
        addresses = [each["PrivateIpAddress"] for each in interface.get("PrivateIpAddresses", [])]
        primary = interface["PrivateIpAddress"]
        work.attributes |= {
            "Id": work.physical,
            "PrimaryPrivateIpAddress": primary,
            "SecondaryPrivateIpAddresses": [address for address in addresses if address != primary],
            "VpcId": interface["VpcId"],
        }
        self._check(work, {})

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Groups, check, description and tags."""
        self._check(work, old)
        identity = work.physical
        if work.properties.get("GroupSet") != old.get("GroupSet"):
            groups = work.properties.get("GroupSet", [])
            work.ec2.modify_network_interface_attribute(NetworkInterfaceId=identity, Groups=groups)
        if work.properties.get("Description") != old.get("Description"):
            text: Any = {"Value": work.properties.get("Description", "")}
            work.ec2.modify_network_interface_attribute(NetworkInterfaceId=identity, Description=text)
        retag(work, identity, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_network_interface(NetworkInterfaceId=work.physical)

    @staticmethod
    def _check(work: Work, old: Mapping[str, Any]) -> None:
        value = work.properties.get("SourceDestCheck", True)
        if value != old.get("SourceDestCheck", True):
            work.ec2.modify_network_interface_attribute(
                NetworkInterfaceId=work.physical, SourceDestCheck={"Value": value}
            )


class NetworkInterfaceAttachment(ResourceType):
    """AWS::EC2::NetworkInterfaceAttachment; Ref is the attachment's id."""

    kind = "AWS::EC2::NetworkInterfaceAttachment"
    properties = frozenset({"InstanceId", "NetworkInterfaceId", "DeviceIndex", "DeleteOnTermination"})
    updates = frozenset({"DeleteOnTermination"})
    absent = frozenset({"InvalidAttachmentID.NotFound"})

    def create(self, work: Work) -> None:
        """Attach; unless told otherwise the interface then ends with its instance."""
        index = int(work.properties["DeviceIndex"])
        named = work.given("InstanceId", "NetworkInterfaceId")
        work.made(work.ec2.attach_network_interface(**named, DeviceIndex=index)["AttachmentId"])
        work.attributes |= {"AttachmentId": work.physical}
        self._ending(work)

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """What becomes of the interface when the instance ends."""
        self._ending(work)

    def delete(self, work: Work) -> None:
        """Detach."""
        work.ec2.detach_network_interface(AttachmentId=work.physical, Force=True)

    @staticmethod
    def _ending(work: Work) -> None:
        ends = work.properties.get("DeleteOnTermination", True)
        change: Any = {"AttachmentId": work.physical, "DeleteOnTermination": ends}
        identity = work.properties["NetworkInterfaceId"]
        work.ec2.modify_network_interface_attribute(NetworkInterfaceId=identity, Attachment=change)
