"""What the lab's AWS holds, and what was asked of it, for the audit."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from .audit import Entry, Maker, Thing, run_in
from .aws import AwsFace
from .aws.cloudformation.stack import Stack
from .aws.defaults import region_has

RUN, PATH, TOKEN = "trunkline:run", "trunkline:path", "trunkline:token"
_EXPIRES = re.compile(r"\bexpires=(\S+)")
# Where moto keeps what has an id of its own: attribute, kind. Those of depth two are maps of maps.
_KINDS = {
    "vpcs": "vpc",
    "internet_gateways": "internet-gateway",
    "egress_only_internet_gateways": "egress-only-internet-gateway",
    "carrier_gateways": "carrier-gateway",
    "route_tables": "route-table",
    "enis": "network-interface",
    "nat_gateways": "nat-gateway",
    "network_acls": "network-acl",
    "vpc_pcxs": "vpc-peering-connection",
    "vpc_end_points": "vpc-endpoint",
    "customer_gateways": "customer-gateway",
    "vpn_gateways": "vpn-gateway",
    "vpn_connections": "vpn-connection",
    "transit_gateways": "transit-gateway",
    "transit_gateway_attachments": "transit-gateway-attachment",
    "flow_logs": "flow-log",
    "dhcp_options_sets": "dhcp-options",
    "managed_prefix_lists": "prefix-list",
    "launch_templates": "launch-template",
    "key_pairs": "key-pair",
    "volumes": "volume",
}
_NESTED = {"subnets": "subnet", "groups": "security-group"}
_GONE = {"deleted", "deleting", "terminated", "rejected", "expired"}
_DEAD = {"DELETE_COMPLETE", "DELETE_SKIPPED"}


def things(face: AwsFace) -> list[Thing]:
    """All that exists, in every account and region."""
    with face.formation.stacks.lock:
        stacks = face.formation.stacks.everything()
        makers = _makers(stacks)
        found = [_stack(stack) for stack in stacks if stack.status != "DELETE_COMPLETE"]
    with face.backend.lock:
        for account, region, ec2 in face.backend.every_ec2():
            found += [_thing(account, region, *each, ec2, makers) for each in _resources(ec2)]
            found += _rules(account, region, ec2, makers)
            found += _routes(account, region, ec2, makers)
        found += _others(makers)
    return found


def calls(face: AwsFace) -> list[Entry]:
    """Every call."""
    return [
        Entry(
            record.when.timestamp(),
            "aws",
            record.account,
            f"{record.service}:{record.operation}",
            record.outcome,
            via=record.via,
            where=record.region,
            fault=record.fault,
        )
        for record in list(face.calls)
    ]


def _makers(stacks: list[Stack]) -> dict[tuple[str, str], Maker]:
    """Who made each physical id that a stack ever had, by account and id."""
    found: dict[tuple[str, str], Maker] = {}
    for stack in stacks:
        tags = stack.desired.tags if stack.desired else {}
        stands = stack.status != "DELETE_COMPLETE"
        for event in stack.events:
            if not event.physical or event.physical == stack.id:
                continue
            built = stack.resources.get(event.logical)
            owned = stands and built is not None and built.physical == event.physical and built.status not in _DEAD
            found[stack.account, event.physical] = _maker(tags, stack.id, event.logical, owned)
    return found


def _maker(tags: Mapping[str, str], stack: str = "", part: str = "", owned: bool = False) -> Maker:
    return Maker(tags.get(RUN, ""), tags.get(PATH, ""), tags.get(TOKEN, ""), stack, part, owned)


def _stack(stack: Stack) -> Thing:
    maker = _maker(
        stack.desired.tags if stack.desired else {}, owned=bool(stack.desired and stack.desired.tags.get(RUN))
    )
    return Thing(
        "aws", stack.account, stack.region, "stack", stack.id, stack.name, maker=maker, details={"status": stack.status}
    )


def _resources(ec2: Any) -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    """Kind, id, moto's object and details of what has an id of its own."""
    for attribute, kind in _KINDS.items():
        for key, one in dict(getattr(ec2, attribute, {})).items():
            yield kind, str(getattr(one, "id", None) or key), one, _details(kind, one)
    for attribute, kind in _NESTED.items():
        for inner in dict(getattr(ec2, attribute)).values():
            for key, one in dict(inner).items():
                yield kind, str(key), one, _details(kind, one)
    for address in ec2.addresses:
        yield "address", str(address.allocation_id), address, {"address": address.public_ip}
    for reservation in ec2.reservations.values():
        for instance in reservation.instances:
            yield "instance", instance.id, instance, {"state": instance.state, "image": instance.image_id}


def _details(kind: str, one: Any) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for name in ("cidr_block", "vpc_id", "state", "private_ip_address"):
        value = getattr(one, name, None)
        if isinstance(value, str):
            details[name] = value
    if kind == "security-group":
        details["name"] = one.name
    return details


def _thing(
    account: str,
    region: str,
    kind: str,
    identity: str,
    one: Any,
    details: dict[str, Any],
    ec2: Any,
    makers: Mapping[tuple[str, str], Maker],
) -> Thing:
    tags = dict(ec2.tags.get(identity, {}))
    state = str(details.get("state", ""))
    maker = _known(account, (identity, str(details.get("address", ""))), makers) or _maker(tags)
    name = tags.get("Name", "") or str(details.pop("name", ""))
    given = _is_given(kind, one, ec2) or state in _GONE
    if maker.stack:
        details["shared"] = True
    elif tags.get("Name") or kind == "vpc":
        details["role"] = tags.get("Name") or details.get("cidr_block")
    return Thing("aws", account, region, kind, identity, name, maker=maker, given=given, details=details)


def _known(account: str, ids: tuple[str, ...], makers: Mapping[tuple[str, str], Maker]) -> Maker | None:
    return next((makers[account, each] for each in ids if each and (account, each) in makers), None)


def _is_given(kind: str, one: Any, ec2: Any) -> bool:
    """The region's own network, and what comes with a VPC or an instance."""
    if region_has(ec2, str(getattr(one, "id", ""))):
        return True
    vpc = ec2.vpcs.get(getattr(one, "vpc_id", None) or getattr(one, "id", ""))
    if vpc is not None and str(vpc.is_default).lower() == "true":
        return True
    if kind == "security-group":
        return bool(one.is_default) or one.name == "default"
    if kind == "network-acl":
        return str(one.default).lower() == "true"
    if kind == "route-table":
        return bool(one.main_association_id)
    if kind == "prefix-list":
        return str(one.prefix_list_name).startswith("com.amazonaws.")
    return kind == "volume" and bool(getattr(one, "attachment", None))


def _rules(account: str, region: str, ec2: Any, makers: Mapping[tuple[str, str], Maker]) -> Iterator[Thing]:
    """Every rule of every group; a rule of trunkline's is one thing for each run that holds it."""
    for groups in list(ec2.groups.values()):
        for group in list(groups.values()):
            for rule in [*group.ingress_rules, *group.egress_rules]:
                yield from _rule(account, region, group, rule, dict(ec2.tags.get(rule.id, {})), makers)


def _rule(
    account: str,
    region: str,
    group: Any,
    rule: Any,
    tags: Mapping[str, str],
    makers: Mapping[tuple[str, str], Maker],
) -> Iterator[Thing]:
    source = rule.ip_range.get("CidrIp") or rule.ip_range.get("CidrIpv6") or rule.source_group.get("GroupId") or ""
    source = source or str(getattr(rule.prefix_list_id, "get", lambda _: "")("PrefixListId") or "")
    low, high = (rule.from_port, rule.to_port) if rule.from_port not in (None, -1) else (0, 65535)
    protocol = "any" if str(rule.ip_protocol) == "-1" else str(rule.ip_protocol)
    details: dict[str, Any] = {"protocol": protocol, "ports": ((low, high),), "source": source}
    details["tcp"] = protocol in ("tcp", "6", "any")
    if not rule.is_egress:
        details["admits"] = f"{protocol}/{low}-{high} from {source}"
    owners = {key: value for key, value in tags.items() if key.startswith(("trunkline:open:", "trunkline:rule:"))}
    if not owners:
        inline = _known(account, (rule.id,), makers) or _known(account, (group.id,), makers)
        given = group.is_default or group.name == "default" or (rule.is_egress and source in ("0.0.0.0/0", "::/0"))
        yield Thing(
            "aws", account, region, "rule", rule.id, within=group.id, maker=inline or _maker(tags), given=bool(given),
            details={**details, "shared": True},
        )  # fmt: skip
    for key, value in owners.items():
        expires = _EXPIRES.search(value)
        marks = {"temporary": key.startswith("trunkline:open:"), "expires": expires[1] if expires else ""}
        maker = Maker(run=run_in(value), owned=True)
        yield Thing(
            "aws", account, region, "rule", f"{rule.id}/{key.rpartition(':')[2]}", within=group.id, maker=maker,
            details={**details, **marks},
        )  # fmt: skip


def _routes(account: str, region: str, ec2: Any, makers: Mapping[tuple[str, str], Maker]) -> Iterator[Thing]:
    """Every route but the local ones; one that no stack knows belongs to whoever made the table."""
    for table in list(ec2.route_tables.values()):
        for route in table.routes:
            if route.local:
                continue
            destination = route.destination_cidr_block or route.destination_ipv6_cidr_block or ""
            identity = f"{table.id}|{destination}"
            maker = _known(account, (identity, f"{table.id}_{destination}", table.id), makers) or Maker()
            targets = (route.gateway, route.interface, route.nat_gateway, route.vpc_pcx, route.instance)
            target = next((str(each.id) for each in targets if each is not None), "")
            yield Thing(
                "aws", account, region, "route", identity, within=table.id, maker=maker, given=region_has(ec2, target),
                details={"destination": destination, "target": target, "shared": True},
            )  # fmt: skip


def _others(makers: Mapping[tuple[str, str], Maker]) -> Iterator[Thing]:
    """Roles, instance profiles, log groups and parameters; of services that nobody has used, nothing."""
    for module, backends, attribute, kind in (
        ("iam", "iam_backends", "roles", "role"),
        ("iam", "iam_backends", "instance_profiles", "instance-profile"),
        ("logs", "logs_backends", "groups", "log-group"),
        ("ssm", "ssm_backends", "_parameters", "parameter"),
    ):
        loaded = sys.modules.get(f"moto.{module}.models")
        for account, regions in list(getattr(loaded, backends, {}).items()):
            for region, backend in list(regions.items()):
                for key, one in dict(getattr(backend, attribute)).items():
                    name = str(getattr(one, "name", key))
                    maker = _known(account, (name, str(getattr(one, "arn", ""))), makers) or Maker()
                    details = {"shared": True} if maker.stack else {}
                    yield Thing("aws", account, str(region), kind, str(key), name, maker=maker, details=details)
