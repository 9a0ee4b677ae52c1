"""DHCP options and the VPCs that use them."""

from __future__ import annotations

from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work

_KEYS = {
    "DomainName": "domain-name",
    "DomainNameServers": "domain-name-servers",
    "NetbiosNameServers": "netbios-name-servers",
    "NetbiosNodeType": "netbios-node-type",
    "NtpServers": "ntp-servers",
}


class DhcpOptions(ResourceType):
    """AWS::EC2::DHCPOptions; Ref is their id."""

    kind = "AWS::EC2::DHCPOptions"
    properties = frozenset({*_KEYS, "Tags"})
    absent = frozenset({"InvalidDhcpOptionID.NotFound", "InvalidDhcpOptionsID.NotFound"})

    def create(self, work: Work) -> None:
        """Make them."""
        named = work.given(**{key: name for name, key in _KEYS.items()})
        configured = [{"Key": key, "Values": _texts(value)} for key, value in named.items()]
        tags = work.specification("dhcp-options")
        made = work.client("ec2").create_dhcp_options(DhcpConfigurations=configured, **tags)
        work.made(made["DhcpOptions"]["DhcpOptionsId"])
        work.attributes |= {"DhcpOptionsId": work.physical}

    def delete(self, work: Work) -> None:
        """Remove them."""
        work.ec2.delete_dhcp_options(DhcpOptionsId=work.physical)


class VpcDhcpOptionsAssociation(ResourceType):
    """AWS::EC2::VPCDHCPOptionsAssociation; its id is the options' and the VPC's."""

    kind = "AWS::EC2::VPCDHCPOptionsAssociation"
    properties = frozenset({"DhcpOptionsId", "VpcId"})
    absent = frozenset({"InvalidVpcID.NotFound"})

    def create(self, work: Work) -> None:
        """Let the VPC use them."""
        work.ec2.associate_dhcp_options(**work.given("DhcpOptionsId", "VpcId"))
        work.made(f"{work.properties['DhcpOptionsId']}|{work.properties['VpcId']}")

    def delete(self, work: Work) -> None:
        """Back to the default options."""
        work.ec2.associate_dhcp_options(DhcpOptionsId="default", **work.given("VpcId"))


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
