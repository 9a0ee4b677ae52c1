"""Gateway endpoints live in route tables: their routes come and go with the tables that they are given.

Source: the VPC user guide, "Gateway endpoints" (routing), and the EC2 API reference's ModifyVpcEndpoint.
"""

from __future__ import annotations

from typing import Any

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler


class Endpoints:
    """Routes of gateway endpoints, which moto makes once and then forgets."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2" or call.operation not in {"ModifyVpcEndpoint", "DeleteVpcEndpoints"}:
            return proceed(call)
        ec2 = self._backend.ec2(call.account, call.region)
        if call.operation == "DeleteVpcEndpoints":
            for identity in call.params.get("VpcEndpointIds", []):
                endpoint = ec2.vpc_end_points.get(identity)
                if endpoint is not None and not _is_interface(endpoint):
                    endpoint.route_table_ids = []
                    _route(ec2, endpoint)
            return proceed(call)
        given = proceed(call)
        if given.status < 400:
            endpoint = ec2.vpc_end_points[call.form["VpcEndpointId"]]
            if not _is_interface(endpoint):
                _route(ec2, endpoint)
        return given


def _is_interface(endpoint: Any) -> bool:
    return str(endpoint.vpc_endpoint_type).lower() == "interface"


def _route(ec2: Any, endpoint: Any) -> None:
    """A route to the endpoint in every table that it has, and in no other."""
    prefixes = endpoint.destination_prefix_list_id
    for table in ec2.route_tables.values():
        held = [key for key, route in table._routes.items() if route.gateway is endpoint]
        if table.id not in endpoint.route_table_ids:
            for key in held:
                del table._routes[key]
        elif not held and prefixes:
            ec2.create_route(table.id, None, gateway_id=endpoint.id, destination_prefix_list_id=prefixes)
