"""Instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag

_PLAIN = (
    "ImageId",
    "InstanceType",
    "KeyName",
    "UserData",
    "EbsOptimized",
    "DisableApiTermination",
    "InstanceInitiatedShutdownBehavior",
    "LaunchTemplate",
    "MetadataOptions",
)
_PLACED = ("SubnetId", "SecurityGroupIds", "SecurityGroups", "PrivateIpAddress", "BlockDeviceMappings")
_SHAPED = ("AvailabilityZone", "IamInstanceProfile", "Monitoring", "NetworkInterfaces", "Tenancy")
_IN_PLACE = ("DisableApiTermination", "InstanceInitiatedShutdownBehavior")


class Instance(ResourceType):
    """AWS::EC2::Instance; Ref is its id."""

    kind = "AWS::EC2::Instance"
    properties = frozenset({*_PLAIN, *_PLACED, *_SHAPED, "SourceDestCheck", "Tags"})
    updates = frozenset(
        {
            "IamInstanceProfile",
            "InstanceType",
            "MetadataOptions",
            "Monitoring",
            "SecurityGroupIds",
            "SourceDestCheck",
            *_IN_PLACE,
            "Tags",
        }
    )
    absent = frozenset({"InvalidInstanceID.NotFound"})

    def create(self, work: Work) -> None:
        """Run it on the interfaces that are given, or on one of its own."""
        arguments = work.given(*_PLAIN, *_PLACED)
        if "BlockDeviceMappings" in arguments:
            arguments["BlockDeviceMappings"] = [_device(each) for each in arguments["BlockDeviceMappings"]]
        placement = work.given("AvailabilityZone", "Tenancy")
        if placement:
            arguments["Placement"] = placement
        if "Monitoring" in work.properties:
            arguments["Monitoring"] = {"Enabled": work.properties["Monitoring"]}
        if "IamInstanceProfile" in work.properties:
            arguments["IamInstanceProfile"] = {"Name": work.properties["IamInstanceProfile"]}
        if "NetworkInterfaces" in work.properties:
            arguments["NetworkInterfaces"] = [_interface(each) for each in work.properties["NetworkInterfaces"]]
        made = work.ec2.run_instances(MinCount=1, MaxCount=1, **arguments, **work.specification("instance"))
        work.made(made["Instances"][0]["InstanceId"])
        self._check(work, {})
        self._read(work)

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Type (through a stop and a start), groups, check and tags."""
        if work.properties.get("InstanceType") != old.get("InstanceType"):
            kind = work.properties.get("InstanceType", "m1.small")
            work.ec2.stop_instances(InstanceIds=[work.physical])
            work.ec2.modify_instance_attribute(InstanceId=work.physical, InstanceType={"Value": kind})
            work.ec2.start_instances(InstanceIds=[work.physical])
        if work.properties.get("SecurityGroupIds") != old.get("SecurityGroupIds"):
            groups = work.properties.get("SecurityGroupIds", [])
            work.ec2.modify_instance_attribute(InstanceId=work.physical, Groups=groups)
        for name in _IN_PLACE:
            if name in work.properties and work.properties[name] != old.get(name):
                argument: Any = {name: {"Value": work.properties[name]}}
                work.ec2.modify_instance_attribute(InstanceId=work.physical, **argument)
        if "MetadataOptions" in work.properties and work.properties["MetadataOptions"] != old.get("MetadataOptions"):
            options = work.properties["MetadataOptions"]
            work.ec2.modify_instance_metadata_options(InstanceId=work.physical, **options)
        if work.properties.get("Monitoring", False) != old.get("Monitoring", False):
            watch = work.ec2.monitor_instances if work.properties.get("Monitoring") else work.ec2.unmonitor_instances
            watch(InstanceIds=[work.physical])
        if work.properties.get("IamInstanceProfile") != old.get("IamInstanceProfile"):
            self._profile(work)
        self._check(work, old)
        retag(work, work.physical, old_tags)
        self._read(work)

    def delete(self, work: Work) -> None:
        """Terminate it."""
        work.ec2.terminate_instances(InstanceIds=[work.physical])

    @staticmethod
    def _profile(work: Work) -> None:
        where: Any = [{"Name": "instance-id", "Values": [work.physical]}]
        held = work.ec2.describe_iam_instance_profile_associations(Filters=where)["IamInstanceProfileAssociations"]
        for each in held:
            work.ec2.disassociate_iam_instance_profile(AssociationId=each["AssociationId"])
        if "IamInstanceProfile" in work.properties:
            profile: Any = {"Name": work.properties["IamInstanceProfile"]}
            work.ec2.associate_iam_instance_profile(IamInstanceProfile=profile, InstanceId=work.physical)

    @staticmethod
    def _check(work: Work, old: Mapping[str, Any]) -> None:
        value = work.properties.get("SourceDestCheck", True)
        if value == old.get("SourceDestCheck", True):
            return
        # EC2 keeps the check on the interface; for an instance with one, the instance's is the interface's.
        for interface in _describe(work)["NetworkInterfaces"]:
            identity = interface["NetworkInterfaceId"]
            work.ec2.modify_network_interface_attribute(NetworkInterfaceId=identity, SourceDestCheck={"Value": value})

    @staticmethod
    def _read(work: Work) -> None:
        found = _describe(work)
        work.attributes |= {
            "InstanceId": work.physical,
            "AvailabilityZone": found["Placement"]["AvailabilityZone"],
            "PrivateIp": found.get("PrivateIpAddress", ""),
            "PrivateDnsName": found.get("PrivateDnsName", ""),
            "PublicIp": found.get("PublicIpAddress", ""),
            "PublicDnsName": found.get("PublicDnsName", ""),
            "VpcId": found.get("VpcId", ""),
        }


def _describe(work: Work) -> Any:
    return work.ec2.describe_instances(InstanceIds=[work.physical])["Reservations"][0]["Instances"][0]


def _device(given: Mapping[str, Any]) -> dict[str, Any]:
    # A template leaves a device out with an empty object, the API with an empty text.
    return {**given, "NoDevice": ""} if "NoDevice" in given else dict(given)


def _interface(given: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"GroupSet": "Groups"}
    made = {renamed.get(name, name): value for name, value in given.items()}
    made["DeviceIndex"] = int(made["DeviceIndex"])
    return made
