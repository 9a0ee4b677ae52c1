"""Gateways, peerings and lists that are in use: what EC2 refuses and moto lets through.

Sources: the EC2 API reference, "Error codes for the Amazon EC2 API" (IncorrectState, DependencyViolation) and the
pages of DeleteVpc, DeleteVpnGateway, DeleteCustomerGateway, AttachVpnGateway, DeleteNatGateway.
"""

from __future__ import annotations

from typing import Any

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.defaults import LAST
from trunkline_lab.aws.rules.checks import Check, Form

_GONE = {"deleted", "deleting", "rejected", "failed", "expired"}


def _vpc(ec2: Any, form: Form) -> None:
    identity = form.get("VpcId")
    left = [
        *(g for g in ec2.vpn_gateways.values() if _attached(g) == identity),
        *(p for p in ec2.vpc_pcxs.values() if p._status.code not in _GONE and identity in {p.vpc.id, p.peer_vpc.id}),
        *(a for a in ec2.network_acls.values() if a.vpc_id == identity and not a.default),
        *(e for e in ec2.vpc_end_points.values() if e.vpc_id == identity and e.state not in _GONE),
        *(g for g in ec2.egress_only_internet_gateways.values() if g.vpc_id == identity),
    ]
    if left:
        raise Refused("DependencyViolation", f"The vpc '{identity}' has dependencies and cannot be deleted.")


def _vpn_gateway(ec2: Any, form: Form) -> None:
    gateway = _live(ec2.vpn_gateways, form.get("VpnGatewayId", ""), "InvalidVpnGatewayID.NotFound", "vpnGateway")
    if _attached(gateway) or _connected(ec2, "vpn_gateway_id", gateway.id):
        raise Refused("IncorrectState", "The VPN gateway is in use.")


def _customer_gateway(ec2: Any, form: Form) -> None:
    identity = form.get("CustomerGatewayId", "")
    _live(ec2.customer_gateways, identity, "InvalidCustomerGatewayID.NotFound", "customerGateway")
    if _connected(ec2, "customer_gateway_id", identity):
        raise Refused("IncorrectState", "The customer gateway is in use.")


def _attach_vpn_gateway(ec2: Any, form: Form) -> None:
    gateway = _live(ec2.vpn_gateways, form.get("VpnGatewayId", ""), "InvalidVpnGatewayID.NotFound", "vpnGateway")
    held = _attached(gateway)
    if held and held != form.get("VpcId"):
        raise Refused("VpnGatewayAttachmentLimitExceeded", f"The vpnGateway {gateway.id} is attached to {held}.")
    for other in ec2.vpn_gateways.values():
        if other is not gateway and _attached(other) == form.get("VpcId"):
            text = f"The vpc {form.get('VpcId')} already has an attached virtual private gateway."
            raise Refused("InvalidVpcState", text)


def _attach_internet_gateway(ec2: Any, form: Form) -> None:
    for gateway in ec2.internet_gateways.values():
        if gateway.vpc and gateway.vpc.id == form.get("VpcId") and gateway.id != form.get("InternetGatewayId"):
            text = f"Network {gateway.vpc.id} already has an internet gateway attached"
            raise Refused("InvalidParameterValue", text)


def _vpn_connection(ec2: Any, form: Form) -> None:
    identity = form.get("VpnConnectionId", "")
    _live(ec2.vpn_connections, identity, "InvalidVpnConnectionID.NotFound", "vpnConnection")


def _create_vpn_connection(ec2: Any, form: Form) -> None:
    gateway, customer = form.get("VpnGatewayId"), form.get("CustomerGatewayId", "")
    _live(ec2.customer_gateways, customer, "InvalidCustomerGatewayID.NotFound", "customerGateway")
    if gateway:
        _live(ec2.vpn_gateways, gateway, "InvalidVpnGatewayID.NotFound", "vpnGateway")


def _nat_gateway(ec2: Any, form: Form) -> None:
    identity = form.get("NatGatewayId", "")
    found = ec2.nat_gateways.get(identity)
    if found is None or found.state in _GONE:
        raise Refused("NatGatewayNotFound", f"NatGateway {identity} was not found")


def _create_nat_gateway(ec2: Any, form: Form) -> None:
    subnet = ec2.get_subnet(form["SubnetId"])
    if form.get("ConnectivityType", "public") == "private":
        return
    if "AllocationId" not in form:
        raise Refused("MissingParameter", "The request must include the AllocationId parameter.")
    for address in ec2.addresses:
        if address.allocation_id == form["AllocationId"] and address.association_id:
            text = f"Elastic IP address [{form['AllocationId']}] is already associated"
            raise Refused("Resource.AlreadyAssociated", text)
    if not any(gateway.vpc and gateway.vpc.id == subnet.vpc_id for gateway in ec2.internet_gateways.values()):
        raise Refused("Gateway.NotAttached", f"Network {subnet.vpc_id} has no Internet gateway attached")


def _acl_entry(ec2: Any, form: Form) -> None:
    acl, egress = ec2.get_network_acl(form["NetworkAclId"]), form.get("Egress", "false").lower() == "true"
    numbers = {int(e.rule_number) for e in acl.network_acl_entries if str(e.egress).lower() == str(egress).lower()}
    if int(form["RuleNumber"]) == LAST:
        text = f"The network acl entry {LAST} is the list's own: it cannot be changed or deleted."
        raise Refused("InvalidParameterValue", text)
    if int(form["RuleNumber"]) not in numbers:
        text = f"The specified network acl entry {form['RuleNumber']} does not exist"
        raise Refused("InvalidNetworkAclEntry.NotFound", text)


def _acl(ec2: Any, form: Form) -> None:
    acl = ec2.network_acls.get(form.get("NetworkAclId"))
    if acl is not None and acl.default:
        text = "Cannot delete default network acl"
        raise Refused("InvalidParameterValue", text)


def _acl_association(ec2: Any, form: Form) -> None:
    identity = form.get("AssociationId", "")
    if not any(identity in acl._associations for acl in ec2.network_acls.values()):
        text = f"The association ID '{identity}' does not exist"
        raise Refused("InvalidAssociationID.NotFound", text)


def _attached(gateway: Any) -> str:
    """The VPC that a VPN gateway is attached to, "" when there is none."""
    live = (each.vpc_id for each in gateway.attachments.values() if each.state in {"attached", "attaching"})
    return next(live, "")


def _connected(ec2: Any, end: str, identity: str) -> bool:
    return any(getattr(c, end) == identity for c in ec2.vpn_connections.values() if c.state not in _GONE)


def _live(kept: dict[str, Any], identity: str, code: str, word: str) -> Any:
    found = kept.get(identity)
    if found is None or found.state in _GONE:
        raise Refused(code, f"The {word} ID '{identity}' does not exist")
    return found


CHECKS: dict[str, Check] = {
    "AttachInternetGateway": _attach_internet_gateway,
    "AttachVpnGateway": _attach_vpn_gateway,
    "CreateNatGateway": _create_nat_gateway,
    "CreateVpnConnection": _create_vpn_connection,
    "DeleteCustomerGateway": _customer_gateway,
    "DeleteNatGateway": _nat_gateway,
    "DeleteNetworkAcl": _acl,
    "DeleteNetworkAclEntry": _acl_entry,
    "DeleteVpc": _vpc,
    "DeleteVpnConnection": _vpn_connection,
    "DeleteVpnGateway": _vpn_gateway,
    "ReplaceNetworkAclAssociation": _acl_association,
    "ReplaceNetworkAclEntry": _acl_entry,
}
