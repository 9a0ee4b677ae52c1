"""Peerings between VPCs."""

from __future__ import annotations

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work


class VpcPeeringConnection(ResourceType):
    """AWS::EC2::VPCPeeringConnection; Ref is its id."""

    kind = "AWS::EC2::VPCPeeringConnection"
    properties = frozenset({"VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion", "Tags"})
    absent = frozenset({"InvalidVpcPeeringConnectionID.NotFound"})

    def create(self, work: Work) -> None:
        """Ask for it, and accept it where both VPCs are the stack's account's and region's, as CloudFormation does."""
        named = work.given("VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion")
        made = work.ec2.create_vpc_peering_connection(**named, **work.specification("vpc-peering-connection"))
        peering = made["VpcPeeringConnection"]
        work.made(peering["VpcPeeringConnectionId"])
        work.attributes |= {"Id": work.physical}
        ours, theirs = peering["RequesterVpcInfo"], peering["AccepterVpcInfo"]
        if (ours["OwnerId"], ours["Region"]) == (theirs["OwnerId"], theirs["Region"]):
            work.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=work.physical)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=work.physical)
