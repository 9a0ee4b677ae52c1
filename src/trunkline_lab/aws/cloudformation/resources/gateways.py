"""Gateways of a VPC, and what attaches them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work

_GONE = {"Gateway.NotAttached", "InvalidVpcID.NotFound", "InvalidVpnGatewayAttachment.NotFound"}
_KINDS = {"InternetGatewayId": "internet", "VpnGatewayId": "vpn"}


class InternetGateway(ResourceType):
    """AWS::EC2::InternetGateway; Ref is its id."""

    kind = "AWS::EC2::InternetGateway"
    properties = frozenset({"Tags"})
    updates = frozenset({"Tags"})
    absent = frozenset({"InvalidInternetGatewayID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        made = work.ec2.create_internet_gateway(**work.specification("internet-gateway"))["InternetGateway"]
        work.made(made["InternetGatewayId"])
        work.attributes |= {"InternetGatewayId": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_internet_gateway(InternetGatewayId=work.physical)


class EgressOnlyInternetGateway(ResourceType):
    """AWS::EC2::EgressOnlyInternetGateway; Ref is its id."""

    kind = "AWS::EC2::EgressOnlyInternetGateway"
    properties = frozenset({"VpcId", "Tags"})
    absent = frozenset({"InvalidGatewayID.NotFound", "InvalidEgressOnlyInternetGatewayId.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        tags = work.specification("egress-only-internet-gateway")
        made = work.ec2.create_egress_only_internet_gateway(**work.given("VpcId"), **tags)
        work.made(made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"])
        work.attributes |= {"Id": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=work.physical)


class VpcGatewayAttachment(ResourceType):
    """AWS::EC2::VPCGatewayAttachment; its id is "IGW|" or "VGW|" and the VPC's."""

    kind = "AWS::EC2::VPCGatewayAttachment"
    properties = frozenset({"VpcId", *_KINDS})
    updates = frozenset(_KINDS)
    absent = frozenset({*_GONE, "InvalidInternetGatewayID.NotFound", "InvalidVpnGatewayID.NotFound"})

    def create(self, work: Work) -> None:
        """Attach the gateway."""
        self._attach(work, work.properties)
        kind = "IGW" if "InternetGatewayId" in work.properties else "VGW"
        work.made(f"{kind}|{work.properties['VpcId']}")
        work.attributes |= {"AttachmentType": kind}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another gateway for the same VPC: the old one goes first, since a VPC has one of a kind."""
        self._detach(work, old)
        self._attach(work, work.properties)

    def delete(self, work: Work) -> None:
        """Detach it."""
        self._detach(work, work.properties)

    @staticmethod
    def _attach(work: Work, properties: Mapping[str, Any]) -> None:
        for name, kind in _KINDS.items():
            if name in properties:
                attach = getattr(work.ec2, f"attach_{kind}_gateway")
                attach(VpcId=properties["VpcId"], **{name: properties[name]})

    @staticmethod
    def _detach(work: Work, properties: Mapping[str, Any]) -> None:
        for name, kind in _KINDS.items():
            if name in properties:
                detach = getattr(work.ec2, f"detach_{kind}_gateway")
                detach(VpcId=properties["VpcId"], **{name: properties[name]})


class NatGateway(ResourceType):
    """AWS::EC2::NatGateway; Ref is its id."""

    kind = "AWS::EC2::NatGateway"
    properties = frozenset({"SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress", "Tags"})
    absent = frozenset({"NatGatewayNotFound"})

    def create(self, work: Work) -> None:
        """Make it; its interface is its own."""
        named = work.given("SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress")
        made = work.ec2.create_nat_gateway(**named, **work.specification("natgateway"))["NatGateway"]
        work.made(made["NatGatewayId"])
        work.attributes |= {
            "NatGatewayId": work.physical,
            "EniId": made["NatGatewayAddresses"][0]["NetworkInterfaceId"],
        }

    def delete(self, work: Work) -> None:
        """Remove it, which frees its address."""
        work.ec2.delete_nat_gateway(NatGatewayId=work.physical)
