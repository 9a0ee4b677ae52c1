"""What the tests of the lab's AWS share: an account's clients, and small networks made through them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from trunkline_lab.aws import AwsFace
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused

IMAGE = "ami-0123456789abcdef0"
REGION = "eu-west-1"
# One session for all: it is what reads the service models, which takes longer than most tests.
SESSION = boto3.Session()


@dataclass
class Account:
    """Clients of one account, as a user of boto3 makes them."""

    face: AwsFace
    number: str
    region: str = REGION
    _made: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._key, self._secret = self.face.credentials(self.number)

    def client(self, service: str) -> Any:
        if service not in self._made:
            config = Config(retries={"total_max_attempts": 1})
            self._made[service] = SESSION.client(
                service,
                region_name=self.region,
                endpoint_url=self.face.endpoint,
                aws_access_key_id=self._key,
                aws_secret_access_key=self._secret,
                config=config,
            )
        return self._made[service]

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def cfn(self) -> Any:
        return self.client("cloudformation")

    def create(self, name: str, body: str, parameters: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """Create a stack and wait for its end."""
        made = self.cfn.create_stack(StackName=name, TemplateBody=body, Parameters=pairs(parameters), **more)
        return self.settled(made["StackId"])

    def update(self, name: str, body: str, parameters: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """Update a stack and wait for its end."""
        made = self.cfn.update_stack(StackName=name, TemplateBody=body, Parameters=pairs(parameters), **more)
        return self.settled(made["StackId"])

    def delete(self, name: str, **more: Any) -> dict[str, Any]:
        """Delete a stack and wait for its end."""
        stack = self.stack(name)["StackId"]
        self.cfn.delete_stack(StackName=name, **more)
        return self.settled(stack)

    def stack(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cfn.describe_stacks(StackName=name)["Stacks"][0]
        return found

    def settled(self, name: str) -> dict[str, Any]:
        """The stack once nothing is under way."""
        end = time.monotonic() + 10
        while (found := self.stack(name))["StackStatus"].endswith("_IN_PROGRESS"):
            assert time.monotonic() < end, found
            time.sleep(0.003)
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        """Oldest first."""
        pages = self.cfn.get_paginator("describe_stack_events").paginate(StackName=name)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def resource(self, stack: str, name: str) -> dict[str, Any]:
        found = self.cfn.describe_stack_resource(StackName=stack, LogicalResourceId=name)
        detail: dict[str, Any] = found["StackResourceDetail"]
        return detail

    def change_set(self, stack: str, name: str, body: str, kind: str = "UPDATE", **more: Any) -> dict[str, Any]:
        """Make a change set and wait for it."""
        self.cfn.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=body, **more)
        end = time.monotonic() + 10
        while True:
            found: dict[str, Any] = self.cfn.describe_change_set(StackName=stack, ChangeSetName=name)
            if found["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                return found
            assert time.monotonic() < end, found
            time.sleep(0.003)


def pairs(parameters: dict[str, str] | None) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()]


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def network(ec2: Any, cidr: str = "10.5.0.0/16") -> dict[str, str]:
    """A VPC with a gateway, a subnet, a table with no default route, a group and a router on an interface."""
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr.replace("/16", "/24"))["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    group = ec2.create_security_group(GroupName="routers", Description="routers", VpcId=vpc)["GroupId"]
    made = ec2.create_network_interface(
        SubnetId=subnet, PrivateIpAddress=cidr.replace(".0.0/16", ".0.10"), Groups=[group]
    )
    return {
        "vpc": vpc,
        "gateway": gateway,
        "subnet": subnet,
        "table": table,
        "group": group,
        "interface": made["NetworkInterface"]["NetworkInterfaceId"],
    }


def run(ec2: Any, interface: str) -> str:
    nic = {"DeviceIndex": 0, "NetworkInterfaceId": interface}
    made = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="t3.small", NetworkInterfaces=[nic])
    identity: str = made["Instances"][0]["InstanceId"]
    return identity


def elastic(ec2: Any, interface: str) -> dict[str, str]:
    address = ec2.allocate_address(Domain="vpc")
    done = ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=interface)
    return {"id": address["AllocationId"], "ip": address["PublicIp"], "association": done["AssociationId"]}


def permit(ec2: Any, group: str, protocol: str, port: int, source: str) -> None:
    pair = (
        {"UserIdGroupPairs": [{"GroupId": source}]} if source.startswith("sg-") else {"IpRanges": [{"CidrIp": source}]}
    )
    rule = {"IpProtocol": protocol, **pair} | ({} if protocol == "-1" else {"FromPort": port, "ToPort": port})
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


@contextmanager
def refusing(face: AwsFace, operation: str, after: int = 0) -> Iterator[None]:
    """EC2 says no to an operation, from the call after the first `after` ones on."""
    seen = [0]

    def rule(call: Call, proceed: Handler) -> Answer:
        if call.operation == operation and call.via == "cloudformation":
            seen[0] += 1
            if seen[0] > after:
                raise Refused("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
        return proceed(call)

    face.gateway.rules.insert(0, rule)
    try:
        yield
    finally:
        face.gateway.rules.remove(rule)
