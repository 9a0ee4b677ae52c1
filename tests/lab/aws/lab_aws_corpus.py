"""Try a folder of CloudFormation templates against the lab: create, update tags, delete, look for leftovers.

    python tests/lab/aws/lab_aws_corpus.py FOLDER [--parameters FILE] [--json]

Each template gets an account of its own, with a VPC, subnets, a group, a key pair and a bucketful of plausible
parameters; FILE (YAML: what a path ends on -> parameters) gives what cannot be guessed. Without one,
lab_aws_corpus.yaml does, for the templates of docs/reference/lab-aws-types.md. The table's results:

    deploys       created, its tags updated, deleted, and nothing is left
    refused       the lab says by name what it does not support
    fails         anything else: a bug in the lab, or a template that AWS would refuse as well
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError
from lab_aws import Account, pairs

from trunkline_lab.aws import LINUX_IMAGE, AwsFace
from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.cloudformation.decode import decode
from trunkline_lab.world import FAST, PublicAddresses, World

SUFFIXES = {".yaml", ".yml", ".json", ".template", ".cfn"}
# What the lab says of what it does not have; everything else is a failure.
REFUSALS = ("Unrecognized resource types", "The lab does not support", "No transform named", "not supported in the lab")
KINDS = {
    "describe_vpcs": ("Vpcs", "VpcId"),
    "describe_subnets": ("Subnets", "SubnetId"),
    "describe_route_tables": ("RouteTables", "RouteTableId"),
    "describe_internet_gateways": ("InternetGateways", "InternetGatewayId"),
    "describe_egress_only_internet_gateways": ("EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId"),
    "describe_security_groups": ("SecurityGroups", "GroupId"),
    "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceId"),
    "describe_network_acls": ("NetworkAcls", "NetworkAclId"),
    "describe_addresses": ("Addresses", "AllocationId"),
    "describe_nat_gateways": ("NatGateways", "NatGatewayId"),
    "describe_vpc_endpoints": ("VpcEndpoints", "VpcEndpointId"),
    "describe_vpc_peering_connections": ("VpcPeeringConnections", "VpcPeeringConnectionId"),
    "describe_vpn_gateways": ("VpnGateways", "VpnGatewayId"),
    "describe_customer_gateways": ("CustomerGateways", "CustomerGatewayId"),
    "describe_vpn_connections": ("VpnConnections", "VpnConnectionId"),
    "describe_dhcp_options": ("DhcpOptions", "DhcpOptionsId"),
    "describe_key_pairs": ("KeyPairs", "KeyPairId"),
    "describe_flow_logs": ("FlowLogs", "FlowLogId"),
    "describe_launch_templates": ("LaunchTemplates", "LaunchTemplateId"),
    "describe_managed_prefix_lists": ("PrefixLists", "PrefixListId"),
}
GONE = {"deleted", "deleting", "terminated", "delete-complete"}


def live(account: Account) -> set[str]:
    """The ids of all that EC2 says is there now."""
    found: set[str] = set()
    for operation, (listed, member) in KINDS.items():
        for item in getattr(account.ec2, operation)()[listed]:
            status = item.get("Status")
            state = item.get("State") or (status.get("Code") if isinstance(status, dict) else status)
            if str(state) not in GONE:
                found.add(item[member])
    for reservation in account.ec2.describe_instances()["Reservations"]:
        found |= {i["InstanceId"] for i in reservation["Instances"] if i["State"]["Name"] not in GONE}
    return found


def furnish(account: Account) -> dict[str, Any]:
    """What templates for an existing network ask for."""
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.200.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.200.{n}.0/24", AvailabilityZone=zones[n % 2])["Subnet"]["SubnetId"]
        for n in range(4)
    ]
    group = ec2.create_security_group(GroupName="given", Description="given", VpcId=vpc)["GroupId"]
    key = ec2.create_key_pair(KeyName="given")["KeyName"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    spare = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=spare)["NatGateway"]["NatGatewayId"]
    numbers = itertools.count(1)
    return {"vpc": vpc, "subnets": subnets, "group": group, "key": key, "zones": zones, "table": table} | {
        "acl": acl,
        "address": address,
        "nat": nat,
        "numbers": numbers,
    }


def guess(name: str, spec: dict[str, Any], given: dict[str, Any], subnets: Iterator[str]) -> str:
    """A plausible value of a parameter that has no default, or whose default names what must exist."""
    kind, low = str(spec.get("Type", "String")), name.lower()
    if "EC2::Image" in kind or "ImageId" in name or low.endswith("ami"):
        return LINUX_IMAGE
    for part, value in {
        "VPC::Id": given["vpc"],
        "SecurityGroup::Id": given["group"],
        "KeyPair": given["key"],
    }.items():
        if part in kind:
            return str(value)
    if "Subnet::Id" in kind:
        return ",".join(given["subnets"][:2]) if kind.startswith("List") else next(subnets)
    if "AvailabilityZone" in kind:
        return ",".join(given["zones"][:2]) if kind.startswith("List") else str(given["zones"][len(low) % 2])
    if spec.get("AllowedValues"):
        return str(spec["AllowedValues"][0])
    if kind == "Number":
        return str(spec.get("MinValue", 1))
    return by_name(low, given, subnets)


def by_name(low: str, given: dict[str, Any], subnets: Iterator[str]) -> str:
    """A text parameter's value, judged by what it is called."""
    if "vpcid" in low or low == "vpc":
        return str(given["vpc"])
    if "routetable" in low:
        return str(given["table"])
    if "subnet" in low and "cidr" not in low:
        return next(subnets)
    if "securitygroup" in low:
        return str(given["group"])
    if "keyname" in low or "keypair" in low:
        return str(given["key"])
    if "cidr" in low and "vpc" not in low:
        return f"10.0.{next(given['numbers'])}.0/24"
    if "cidr" in low or "range" in low or "location" in low:
        return "10.0.0.0/16"
    if "acl" in low:
        return str(given["acl"])
    if "address" in low or low.endswith("ip"):
        return "192.0.2.10"
    if "password" in low or "secret" in low:
        return "Secret-123456"
    return "example"


def parameters(template: dict[str, Any], given: dict[str, Any], told: dict[str, str]) -> dict[str, str]:
    """Values for all parameters that need one."""
    chosen, subnets = {name: value.format(**given) for name, value in told.items()}, itertools.cycle(given["subnets"])
    for name, spec in (template.get("Parameters") or {}).items():
        kind, default = str(spec.get("Type", "")), str(spec.get("Default", ""))
        stored = kind.startswith("AWS::SSM::Parameter::Value")
        exists = kind.startswith(("AWS::EC2::", "List<AWS::EC2::")) or re.fullmatch(r"[a-z]+-0+", default)
        if name not in chosen and not stored and ("Default" not in spec or exists or not usable(spec)):
            chosen[name] = guess(name, spec, given, subnets)
    return chosen


def usable(spec: dict[str, Any]) -> bool:
    """Whether the default satisfies its own pattern: some authors give none on purpose."""
    pattern, default = spec.get("AllowedPattern"), str(spec.get("Default"))
    return pattern is None or re.fullmatch(str(pattern), default) is not None


def published(face: AwsFace, account: Account, template: dict[str, Any]) -> None:
    """What AWS publishes as SSM parameters, and the images that they name."""
    ssm = account.client("ssm")
    for spec in (template.get("Parameters") or {}).values():
        name = str(spec.get("Default", ""))
        if not str(spec.get("Type", "")).startswith("AWS::SSM::Parameter::Value") or not name:
            continue
        found = ssm.get_parameters(Names=[name])["Parameters"]
        if found:
            images(face, account, found[0]["Value"])
        elif not name.startswith("/aws/"):
            ssm.put_parameter(Name=name, Value=LINUX_IMAGE, Type="String")


def images(face: AwsFace, account: Account, body: str) -> None:
    """The AMIs that a template's mappings name, as AWS has them."""
    from moto.ec2.models.amis import Ami

    ec2 = face._backend.ec2(account.number, account.region)
    for identity in set(re.findall(r"\bami-[0-9a-zA-Z]+", body)) - set(ec2.amis):
        ec2.amis[identity] = Ami(ec2, identity, name="public", owner_id=account.number, public=True)


def attempt(face: AwsFace, number: int, body: str, told: dict[str, str]) -> tuple[str, str]:
    """The result of one template, and why."""
    account = Account(face, str(100000000000 + number), "us-east-1")
    try:
        template = decode(body)
    except Refused:
        template = {}  # CloudFormation is to say so itself.
    # Written without blanks, more of them fit into a call: larger ones need a bucket.
    body = json.dumps(json.loads(body), separators=(",", ":")) if body.lstrip().startswith("{") else body
    given = furnish(account)
    images(face, account, body)
    published(face, account, template)
    before = live(account)
    chosen = parameters(template, given, told)
    try:
        made = account.create("tried", body, chosen, Capabilities=["CAPABILITY_NAMED_IAM"])
    except ClientError as error:
        return classed(str(error))
    if made["StackStatus"] != "CREATE_COMPLETE":
        reasons = [
            e.get("ResourceStatusReason", "")
            for e in account.events(made["StackId"])
            # An import that is not there is told where the rollback begins: no resource failed.
            if "FAILED" in str(e["ResourceStatus"]) or e["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"
        ]
        outcome = classed(next((each for each in reasons if each and "cancelled" not in each), made["StackStatus"]))
        return outcome if made["StackStatus"] == "ROLLBACK_COMPLETE" else ("fails", f"{made['StackStatus']}: {reasons}")
    try:
        account.cfn.update_stack(
            StackName="tried",
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": p["ParameterKey"], "UsePreviousValue": True} for p in pairs(chosen)],
            Tags=[{"Key": "tried", "Value": "twice"}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        changed = account.settled("tried")["StackStatus"]
    except ClientError as error:
        changed = str(error)
    if changed != "UPDATE_COMPLETE" and "No updates" not in changed:
        failed = [e for e in account.events("tried") if "UPDATE_FAILED" in str(e["ResourceStatus"])]
        return "fails", f"update: {changed} {[e.get('ResourceStatusReason') for e in failed][:2]}"
    gone = account.delete("tried")
    if gone["StackStatus"] != "DELETE_COMPLETE":
        failed = [e for e in account.events(gone["StackId"]) if "DELETE_FAILED" in str(e["ResourceStatus"])]
        return "fails", f"delete: {[e.get('ResourceStatusReason') for e in failed][:3]}"
    left = live(account) - before
    return ("fails", f"left: {sorted(left)}") if left else ("deploys", "")


def classed(reason: str) -> tuple[str, str]:
    return ("refused" if any(each in reason for each in REFUSALS) else "fails"), reason


def tried(folder: Path, told: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    """Every template below a folder, in order of path."""
    rows = []
    files = sorted(each for each in folder.rglob("*") if each.suffix in SUFFIXES)
    for number, path in enumerate(files):
        name = str(path.relative_to(folder))
        # A lab for each: the public addresses are few, and what one template leaves must not hinder the next.
        with AwsFace(World(PublicAddresses("127.99.9"), FAST)) as face:
            try:
                result, reason = attempt(face, number, path.read_text(), values(told, name))
            except Exception as error:
                result, reason = "fails", repr(error)
        rows.append({"template": name, "result": result, "reason": reason})
        print(f"{result:8} {name}  {reason[:300]}", file=sys.stderr, flush=True)
    return rows


def values(told: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    """What was told of a template, by the end of its path."""
    return next((given for end, given in told.items() if f"/{name}".endswith(f"/{end}")), {})


def main() -> int:
    """Print the table. Returns 1 when a template fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parameters", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = tried(chosen.folder, yaml.safe_load(chosen.parameters.read_text()))
    if chosen.json:
        print(json.dumps(rows, indent=1))
    print(dict(Counter(row["result"] for row in rows)), file=sys.stderr)
    return any(row["result"] == "fails" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
