"""Routes of a route table: made once, never moved away from where somebody else sent them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from trunkline._core.errors import Error
from trunkline.clouds.aws.errors import code_of, tolerating
from trunkline.clouds.aws.late import patiently, seen
from trunkline.clouds.cloud import NextHop

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import RouteTypeDef

_NO_TABLE = "InvalidRouteTableID.NotFound"
_NOT_YET_SEEN = (_NO_TABLE, "InvalidNetworkInterfaceID.NotFound")


def route(ec2: EC2Client, table: str, prefix: str, via: NextHop) -> None:
    """Send `prefix` to the interface of `via`; see `AwsAccount.route`."""
    patiently(lambda: _route(ec2, table, prefix, via), *_NOT_YET_SEEN)


def _route(ec2: EC2Client, table: str, prefix: str, via: NextHop) -> None:
    request: dict[str, Any] = {
        "RouteTableId": table,
        _destination(prefix): prefix,
        "NetworkInterfaceId": via.interface,
    }
    try:
        ec2.create_route(**request)
        return
    except Exception as error:
        if code_of(error) != "RouteAlreadyExists":
            raise
    if seen(lambda: _leading(ec2, table, prefix, via)) is not None:
        return
    there = _find(ec2, table, prefix)
    if there is None or there.get("State") != "blackhole":
        where = "somewhere that it does not show yet" if there is None else target(there)
        raise Error(
            f"route table {table} sends {prefix} to {where}, not to {via.interface}",
            hint="remove that route if it is no longer needed; trunkline moves no route that it did not make",
        )
    ec2.replace_route(**request)


def unroute(ec2: EC2Client, table: str, prefix: str, via: NextHop | None) -> None:
    """Remove the route of `prefix`, if it is there and leads to `via`."""
    request: dict[str, Any] = {"RouteTableId": table, _destination(prefix): prefix}
    if via is not None and seen(lambda: _leading(ec2, table, prefix, via)) is None:
        return
    with tolerating("InvalidRoute.NotFound", _NO_TABLE):
        patiently(lambda: ec2.delete_route(**request), _NO_TABLE)


def target(route: RouteTypeDef) -> str:
    """The provider's id of what a route leads to; "local" within the VPC."""
    kinds = (
        "NetworkInterfaceId",
        "GatewayId",
        "NatGatewayId",
        "TransitGatewayId",
        "VpcPeeringConnectionId",
        "EgressOnlyInternetGatewayId",
        "LocalGatewayId",
        "CarrierGatewayId",
        "CoreNetworkArn",
        "InstanceId",
    )
    return next((str(route[kind]) for kind in kinds if route.get(kind)), "nowhere")  # type: ignore[literal-required]


def _leading(ec2: EC2Client, table: str, prefix: str, via: NextHop) -> RouteTypeDef | None:
    """The table's route of `prefix` while it leads to `via`; None for any other, and for a table that is not seen."""
    with tolerating(_NO_TABLE):
        there = _find(ec2, table, prefix)
        return there if there is not None and target(there) == via.interface else None
    return None


def _find(ec2: EC2Client, table: str, prefix: str) -> RouteTypeDef | None:
    destination = _destination(prefix)
    found = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    routes = [route for each in found for route in each["Routes"]]
    return next((route for route in routes if route.get(destination) == prefix), None)


def _destination(prefix: str) -> str:
    """The request's field for a prefix. Raises Error when it is no CIDR."""
    try:
        version = ip_network(prefix).version
    except ValueError as error:
        raise Error(f"prefix = {prefix!r} is not a CIDR: {error}", hint='write it as "10.1.0.0/16"') from None
    return "DestinationCidrBlock" if version == 4 else "DestinationIpv6CidrBlock"
