"""The judge is judged: each wrong is planted, and seen; and what is right draws no objection."""

import time
import types
from ipaddress import IPv4Network

import boto3
import pytest
from azure.mgmt.network import models as network_models
from botocore.config import Config
from lab_azure import GROUP, connect, network, properties, template
from vns3_rig import license_router

from trunkline import pipe, undo
from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.federation import federation
from trunkline.config import load
from trunkline_lab.audit import Audit, Thing
from trunkline_lab.lab import AWS_ACCOUNTS, AZURE_SUBSCRIPTIONS, Lab
from trunkline_lab.world import FAST

RULE = "run=acme-10.1 opened=2026-01-01T00:00:00Z expires=2026-01-01T00:05:00Z purpose=api"
TOKEN = "0123456789abcdef0123456789abcdef"
MARKS = [("trunkline:run", "acme-10.1"), ("trunkline:path", "vpc"), ("trunkline:token", TOKEN)]
TAGS = [{"Key": key, "Value": value} for key, value in MARKS]
STACK = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  One: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.1.0/24}}
  Two: {Type: AWS::EC2::Subnet, DeletionPolicy: POLICY, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.2.0/24}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: routers
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: udp, FromPort: 500, ToPort: 500, CidrIp: 127.9.9.9/32}]
"""


@pytest.fixture
def lab():
    with Lab(pace=FAST, routers=2) as made:
        yield made


@pytest.fixture
def aws(lab):
    key, secret = lab.aws.credentials(AWS_ACCOUNTS["A"])
    session = boto3.Session(key, secret, region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 2})
    made = {
        name: session.client(name, endpoint_url=lab.aws.endpoint, config=config) for name in ("ec2", "cloudformation")
    }
    return types.SimpleNamespace(ec2=made["ec2"], cfn=made["cloudformation"])


@pytest.fixture
def cloud(lab):
    clients = connect(lab.azure, AZURE_SUBSCRIPTIONS["B"])
    clients.resources.resource_groups.create_or_update(GROUP, {"location": "westeurope"})
    return clients


def stack(aws, name="acme-vpc", policy="Delete", tags=TAGS):
    aws.cfn.create_stack(StackName=name, TemplateBody=STACK.replace("POLICY", policy), Tags=tags)
    assert settled(aws, name) == "CREATE_COMPLETE"


def settled(aws, name):
    end = time.monotonic() + 10
    while (found := aws.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("IN_PROGRESS"):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def of_kind(audit, kind):
    return [thing for thing in audit.things if thing.kind == kind and not thing.given]


def why(findings):
    return [str(finding) for finding in findings]


def test_an_empty_lab_is_clean(lab):
    audit = lab.audit()
    assert [thing for thing in audit.things if not thing.given] == []
    assert (audit.duplicates(), audit.open_access(), audit.strays(), audit.runs()) == ([], [], [], [])


def test_a_stack_and_all_of_it_has_a_maker(lab, aws):
    stack(aws)
    audit = lab.audit()
    assert {thing.kind for thing in audit.of("acme-10.1")} == {"stack", "vpc", "subnet", "security-group", "rule"}
    assert {thing.maker.part for thing in of_kind(audit, "subnet")} == {"One", "Two"}
    made = of_kind(audit, "vpc")[0].maker
    assert (made.run, made.path, made.token, made.owned) == ("acme-10.1", "vpc", TOKEN, True)
    assert "acme-vpc" in made.stack
    assert (audit.duplicates(), audit.orphans("acme-10.1"), audit.open_access(), audit.strays()) == ([], [], [], [])
    aws.cfn.delete_stack(StackName="acme-vpc")
    wait_gone(lab, "stack")
    assert lab.audit().of("acme-10.1") == []


def wait_gone(lab, kind):
    end = time.monotonic() + 10
    while of_kind(lab.audit(), kind):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_a_deleted_stack_left_behind_is_an_orphan(lab, aws):
    stack(aws, policy="Retain", tags=TAGS)
    aws.cfn.delete_stack(StackName="acme-vpc")
    identity = aws.cfn.list_stacks()["StackSummaries"][0]["StackId"]
    assert settled(aws, identity) in ("DELETE_FAILED", "DELETE_COMPLETE")
    left = why(lab.audit().orphans("acme-10.1"))
    assert any("subnet" in each and "left by arn:aws:cloudformation" in each for each in left)


def test_a_lost_answer_leaves_an_orphan_and_a_duplicate(lab, aws):
    lab.faults.add("aws:ec2:CreateVpc", "lost", times=1)
    aws.ec2.create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": TAGS}])
    audit = lab.audit()
    twins = of_kind(audit, "vpc")
    assert len(twins) == 2
    assert [(found.why, len(found.things)) for found in audit.duplicates()] == [("one token", 2)]
    assert len(audit.orphans("acme-10.1")) == 2
    assert audit.orphans("another") == []
    created = [entry for entry in audit.calls if entry.call == "ec2:CreateVpc"]
    assert [(entry.outcome, entry.fault[:4], entry.who) for entry in created] == [
        ("ok", "lost", AWS_ACCOUNTS["A"]),
        ("ok", "", AWS_ACCOUNTS["A"]),
    ]
    assert [fired.kind for fired in audit.faults] == ["lost"]


def test_unmarked_twins_have_one_role_and_are_strays(lab, aws):
    for _ in range(2):
        aws.ec2.create_vpc(CidrBlock="10.8.0.0/16")
    audit = lab.audit()
    assert [found.why for found in audit.duplicates()] == ["one role"]
    assert len([thing for thing in audit.strays() if thing.kind == "vpc"]) == 2
    aws.ec2.create_vpc(CidrBlock="10.9.0.0/16")
    assert len(lab.audit().duplicates()) == 1


def test_two_stacks_with_one_token(lab, aws):
    stack(aws, "one")
    aws.cfn.create_stack(StackName="two", TemplateBody=STACK.replace("POLICY", "Delete"), Tags=TAGS)
    assert settled(aws, "two") == "CREATE_COMPLETE"
    assert why(lab.audit().duplicates()) == ["one token: aws stack one, aws stack two"]


def test_open_rules_are_seen(lab, aws):
    stack(aws)
    group = of_kind(lab.audit(), "security-group")[0].id

    def permit(port, source, tags=()):
        specification = [{"ResourceType": "security-group-rule", "Tags": list(tags)}] if tags else []
        aws.ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": source}]}],
            TagSpecifications=specification,
        )

    permit(22, "10.0.0.0/8")
    permit(8000, "10.1.0.0/16")
    assert lab.audit().open_access() == []
    permit(8000, "127.0.0.1/32", [{"Key": "trunkline:open:0011", "Value": RULE}])
    permit(443, "0.0.0.0/0")
    permit(8000, "127.0.0.7/32")
    found = [finding.why for finding in lab.audit().open_access()]
    assert found == [
        "temporary, until 2026-01-01T00:05:00Z",
        "opens tcp/8000 to 127.0.0.1/32",
        "lets everybody in: tcp/443-443 from 0.0.0.0/0",
        "opens tcp/8000 to 127.0.0.7/32",
    ]
    ours = next(finding.things[0].maker for finding in lab.audit().open_access())
    assert (ours.run, ours.owned) == ("acme-10.1", True)


def deployed(cloud, *resources, name="acme-vpc", token=TOKEN):
    body = properties(template(*resources))
    body["tags"] = {"trunkline-run": "acme-10.1", "trunkline-path": "vpc", "trunkline-token": token}
    cloud.deployments.deployments.begin_create_or_update(GROUP, name, body).result()


def test_an_azure_deployment_and_all_of_it_has_a_maker(lab, cloud):
    deployed(
        cloud,
        network("virtualNetworks", "net", {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}),
        network("networkSecurityGroups", "group", {}),
    )
    audit = lab.audit()
    names = {thing.name for thing in audit.of("acme-10.1")}
    assert names == {"acme-vpc", "net", "group"}
    assert (audit.duplicates(), audit.orphans("acme-10.1"), audit.open_access()) == ([], [], [])
    cloud.deployments.deployments.begin_delete(GROUP, "acme-vpc").result()
    assert {finding.things[0].name for finding in lab.audit().orphans("acme-10.1")} == {"net", "group"}
    deployed(cloud, network("networkSecurityGroups", "group", {}))
    assert {finding.things[0].name for finding in lab.audit().orphans("acme-10.1")} == {"net"}


def test_what_a_nested_deployment_made_belongs_to_the_outer_ones_run(lab, cloud):
    inner = template(network("networkSecurityGroups", "inner", {}))
    nested = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2021-04-01",
        "name": "nested",
        "properties": {"mode": "Incremental", "template": inner},
    }
    deployed(cloud, nested)
    audit = lab.audit()
    assert {thing.name for thing in audit.of("acme-10.1")} == {"acme-vpc", "nested", "inner"}
    assert (audit.duplicates(), audit.orphans("acme-10.1")) == ([], [])
    assert [thing.name for thing in audit.strays()] == [GROUP]  # made by hand
    cloud.deployments.deployments.begin_delete(GROUP, "nested").result()
    assert [finding.things[0].name for finding in lab.audit().orphans("acme-10.1")] == ["inner"]


def test_two_azure_deployments_with_one_token(lab, cloud):
    deployed(cloud, network("networkSecurityGroups", "one", {}))
    deployed(cloud, network("networkSecurityGroups", "two", {}), name="again")
    assert why(lab.audit().duplicates()) == ["one token: azure stack acme-vpc, azure stack again"]


def test_azures_open_rules_and_twins_are_seen(lab, cloud):
    cloud.network.network_security_groups.begin_create_or_update(GROUP, "group", {"location": "westeurope"}).result()

    def permit(name, priority, port, source, description=""):
        rule = network_models.SecurityRule(
            {
                "properties": {
                    "priority": priority,
                    "direction": "Inbound",
                    "access": "Allow",
                    "protocol": "Tcp",
                    "sourceAddressPrefix": source,
                    "sourcePortRange": "*",
                    "destinationAddressPrefix": "*",
                    "destinationPortRange": port,
                    "description": description,
                }
            }
        )
        cloud.network.security_rules.begin_create_or_update(GROUP, "group", name, rule).result()

    permit("private", 100, "8000", "10.0.0.0/8")
    assert lab.audit().open_access() == []
    description = "trunkline run=acme-10.1 purpose=api opened=2026-01-01T00:00:00Z expires=2026-01-01T00:05:00Z"
    permit("ours", 110, "8000", "127.0.0.1/32", description)
    permit("world", 120, "443", "Internet")
    permit("range", 130, "7000-9000", "127.0.0.7/32")
    assert [(finding.things[0].name, finding.why.split(",")[0]) for finding in lab.audit().open_access()] == [
        ("ours", "temporary"),
        ("ours", "opens tcp/8000 to 127.0.0.1/32"),
        ("world", "lets everybody in: tcp/443 from Internet"),
        ("range", "opens tcp/8000 to 127.0.0.7/32"),
    ]
    assert lab.audit().of("acme-10.1")[0].name == "ours"
    permit("twin", 140, "443", "Internet")
    assert [[thing.name for thing in found.things] for found in lab.audit().duplicates()] == [["world", "twin"]]


@pytest.fixture
def router(lab):
    from vns3_rig import Api, until

    controller = lab.controllers.all()[0]
    until(lambda: controller.listening)
    return Api(controller.machine, controller, controller.machine.default_password)


def test_a_forgotten_token_and_a_factory_password(lab, router):
    made = router.ok("POST", "/access/token", {"name": "trunkline acme-10.1", "expires": 900})
    router.ok("POST", "/access/url", {"name": "help", "expires": 900})
    found = lab.audit().open_access()
    assert [(each.things[0].kind, each.things[0].maker.run, each.why[:11]) for each in found] == [
        ("token", "acme-10.1", "opens until"),
        ("url", "", "opens until"),
    ]
    router.ok("POST", "/access/token", {"name": "trunkline acme-10.1", "expires": 900})
    assert [finding.why for finding in lab.audit().duplicates()] == ["one role"]
    router.ok("PUT", f"/access/token/{made['id']}", {"expired": True})
    assert len(lab.audit().open_access()) == 2
    license_router(router)
    assert "has its factory password" in [finding.why for finding in lab.audit().open_access()]
    router.ok("PUT", "/api_password", {"password": "a-new-password"})
    assert "has its factory password" not in [finding.why for finding in lab.audit().open_access()]


def test_double_and_orphaned_endpoints_routes_and_rules(lab, router):
    license_router(router)
    other = lab.controllers.all()[1].address
    body = {
        "name": "to acme-10.1-router",
        "description": "fed-router-1 to acme-10.1-router",
        "ipaddress": other,
        "secret": "s",
        "vpn_type": "vti",
        "route_based_int_address": "169.254.0.1/30",
    }
    tunnel = next(iter(router.ok("POST", "/ipsec/endpoints", body)["tunnels"]))
    for _ in range(2):
        router.ok("POST", "/routes", {"cidr": "10.1.0.0/16", "tunnel": tunnel, "description": "to acme-10.1-router"})
        router.ok("POST", "/v2/firewall/rules", {"rule": "FORWARD_CUST -s 10.1.0.0/16 -j ACCEPT"})
    audit = lab.audit()
    assert sorted(found.things[0].kind for found in audit.duplicates()) == ["firewall-rule", "route"]
    assert audit.orphans("acme-10.1") == []
    assert {thing.kind for thing in audit.of("acme-10.1")} == {"endpoint", "route"}
    router.ok("POST", "/ipsec/endpoints", body)
    router.ok("POST", "/ipsec/endpoints", body | {"name": "to acme-10.2-router", "ipaddress": "127.1.1.1"})
    audit = lab.audit()
    assert "endpoint" in [found.things[0].kind for found in audit.duplicates()]
    assert [finding.things[0].name for finding in audit.orphans("acme-10.2")] == ["to acme-10.2-router"]


def test_every_call_in_order_across_faces(lab, aws, cloud, router):
    began = time.time()
    aws.ec2.describe_vpcs()
    list(cloud.resources.resource_groups.list())
    router.get("/config")
    router.error("GET", "/license")
    stack(aws)
    calls = [entry for entry in lab.audit().calls if entry.at >= began - 0.1]
    assert [entry.at for entry in calls] == sorted(entry.at for entry in calls)
    seen = [(entry.face, entry.call, entry.outcome) for entry in calls]
    assert ("aws", "ec2:DescribeVpcs", "ok") in seen
    assert ("azure", f"GET /subscriptions/{AZURE_SUBSCRIPTIONS['B']}/resourcegroups", "ok") in seen
    assert seen.index(("vns3", "GET /config", "ok")) < seen.index(("vns3", "GET /license", "403"))
    assert {entry.via for entry in calls if entry.call == "ec2:CreateVpc"} == {"cloudformation"}


def test_plain_data_goes_through_json(lab, aws):
    import json

    stack(aws)
    told = json.loads(json.dumps(lab.audit().plain()))
    assert told["runs"] == ["acme-10.1"]
    assert {"things", "calls", "faults", "duplicates", "orphans", "open_access"} < told.keys()


def test_ipv6_and_what_is_no_address():
    def rule(source):
        details = {"admits": "x", "source": source, "ports": [(0, 65535)], "tcp": True}
        return Thing("aws", "1", "r", "rule", source, details=details)

    things = tuple(rule(source) for source in ("2001:db8::/32", "sg-1", "VirtualNetwork", "::/0", ""))
    assert len(Audit(things, ()).open_access()) == 2


@pytest.mark.parametrize(("ours", "theirs"), [("A", "B"), ("B", "A")])
def test_the_main_job_draws_no_objection_and_leaves_nothing_when_undone(lab, tmp_path, ours, theirs):
    config = load(lab.config)
    cidr = IPv4Network("10.250.0.0/24")
    hub = federation(config, "hub", account=config.account(theirs), cidr=cidr)
    pipe(hub.data, hub.steps, run="hub")
    accounts = {"account": config.account(ours), "federation_account": config.account(theirs)}
    job = connect_vpc(config, "acme-10.1", federation="hub", **accounts)
    journal = tmp_path / "journal.db"
    pipe(job.data, job.steps, run="acme-10.1", journal=journal)
    audit = lab.audit()
    assert {"hub", "acme-10.1"} <= set(audit.runs())
    assert why([*audit.duplicates(), *audit.open_access(), *audit.orphans("acme-10.1"), *audit.orphans("hub")]) == []
    assert audit.strays() == []
    assert {"stack", "endpoint", "rule", "route"} <= {thing.kind for thing in audit.of("acme-10.1")}
    undo(job.steps, journal=journal, run="acme-10.1")
    audit = lab.audit()
    assert list(map(str, audit.of("acme-10.1"))) == []
    assert why([*audit.duplicates(), *audit.open_access(), *audit.orphans("hub")]) == []
