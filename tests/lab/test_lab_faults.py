"""Each fault, and how it hurts a client that does not expect it: official SDKs over real sockets."""

import contextlib
import http.client
import ssl
import threading
import time
import types

import azure.core.exceptions
import boto3
import botocore.exceptions
import pytest
import urllib3
from botocore.config import Config
from cohesivenet import ApiException, Configuration, VNS3Client
from lab_azure import connect

from trunkline_lab.faults import Faults, Kind
from trunkline_lab.lab import AWS_ACCOUNTS, AZURE_SUBSCRIPTIONS, Lab
from trunkline_lab.world import FAST

REGION = "westeurope"


@pytest.fixture(scope="module")
def lab():
    with Lab(pace=FAST, routers=1, seed=7) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_fault_stays(lab):
    yield
    lab.faults.clear()
    lab.faults.fired.clear()


@pytest.fixture(scope="module")
def aws(lab):
    """Clients of account A that try once, and naive ones that retry as the SDK does by itself."""
    key, secret = lab.aws.credentials(AWS_ACCOUNTS["A"])
    session = boto3.Session(key, secret, region_name="us-east-1")

    def client(service, attempts):
        config = Config(retries={"total_max_attempts": attempts}, read_timeout=5)
        return session.client(service, endpoint_url=lab.aws.endpoint, config=config)

    return types.SimpleNamespace(
        once=client("ec2", 1), naive=client("ec2", 3), cfn=client("cloudformation", 1), patient=client("ec2", 3)
    )


@pytest.fixture(scope="module")
def cloud(lab):
    clients = connect(lab.azure, AZURE_SUBSCRIPTIONS["B"])
    clients.resources.resource_groups.create_or_update("lab", {"location": REGION})
    return clients


@pytest.fixture
def router(lab):
    return next(one for one in lab.controllers.all() if one.machine.account == "workbench")


@pytest.fixture
def vns3(router):
    machine = router.machine
    until(lambda: router.listening)
    return client_of(machine)


def client_of(machine):
    return VNS3Client(
        Configuration(
            host=f"{machine.public_address}:8000", username="api", password=machine.default_password, verify_ssl=False
        )
    )


def raw(router):
    """A bare HTTP connection to a router, which retries nothing."""
    context = ssl.create_default_context(cadata=router.certificate.pem)
    pool = urllib3.HTTPSConnectionPool(router.address, 8000, ssl_context=context, retries=False, timeout=5)
    headers = urllib3.make_headers(basic_auth=f"api:{router.machine.default_password}")
    return lambda method, path, **more: pool.request(method, "/api" + path, headers=headers, **more)


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def vpcs(client, cidr):
    return client.describe_vpcs(Filters=[{"Name": "cidr", "Values": [cidr]}])["Vpcs"]


def kinds(lab):
    return [str(one.kind) for one in lab.faults.fired]


def nsg(cloud, name):
    body = {"location": REGION, "properties": {}}
    return cloud.network.network_security_groups.begin_create_or_update("lab", name, body)


def has_nsg(cloud, name):
    return name in [one.name for one in cloud.network.network_security_groups.list("lab")]


# AWS


def test_lost_answer_and_the_sdks_own_retry_make_two_vpcs(lab, aws):
    lab.faults.add("aws:ec2:CreateVpc", "lost", times=1)
    aws.naive.create_vpc(CidrBlock="10.31.0.0/16")
    assert len(vpcs(aws.once, "10.31.0.0/16")) == 2
    assert kinds(lab) == ["lost"]


def test_lost_answer_without_a_retry_leaves_what_nobody_knows_of(lab, aws):
    lab.faults.add("aws:ec2:CreateVpc", "lost")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        aws.once.create_vpc(CidrBlock="10.32.0.0/16")
    assert len(vpcs(aws.once, "10.32.0.0/16")) == 1


def test_lost_answer_with_a_client_token_hurts_nobody(lab, aws):
    subnet = aws.once.create_subnet(
        VpcId=aws.once.create_vpc(CidrBlock="10.33.0.0/16")["Vpc"]["VpcId"], CidrBlock="10.33.0.0/24"
    )["Subnet"]["SubnetId"]
    lab.faults.add("aws:ec2:CreateNetworkInterface", "lost", nth=1)
    aws.naive.create_network_interface(SubnetId=subnet, ClientToken="one")
    found = aws.once.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    assert len(found["NetworkInterfaces"]) == 1


def test_reset_connection_leaves_nothing_done(lab, aws):
    lab.faults.add("aws:ec2:CreateVpc", "reset", times=1)
    with pytest.raises(botocore.exceptions.ConnectionClosedError, match="closed"):
        aws.once.create_vpc(CidrBlock="10.34.0.0/16")
    assert vpcs(aws.once, "10.34.0.0/16") == []


def test_a_reset_is_one_on_the_wire(lab, aws):
    lab.faults.add("aws:ec2:*", "reset", times=1)
    host = lab.aws.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=5)
    signed = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/ec2/aws4_request"
    headers = {"Authorization": signed, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/", body="Action=DescribeVpcs&Version=2016-11-15", headers=headers)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()


def test_half_an_answer(lab, aws):
    lab.faults.add("aws:ec2:CreateVpc", "half", times=1)
    with pytest.raises((botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError)):
        aws.once.create_vpc(CidrBlock="10.35.0.0/16")
    assert len(vpcs(aws.once, "10.35.0.0/16")) == 1  # done, and its id is lost


def test_html_in_place_of_xml_has_no_code_to_decide_by(lab, aws):
    lab.faults.add("aws:ec2:DescribeVpcs", "html", times=1)
    with pytest.raises(botocore.exceptions.ClientError, match="Unknown") as caught:
        aws.once.describe_vpcs()
    assert "Error" not in caught.value.response


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [("once", "describe_vpcs", "RequestLimitExceeded", 503), ("cfn", "describe_stacks", "Throttling", 400)],
)
def test_throttling_in_each_services_own_words(lab, aws, service, operation, code, status):
    lab.faults.add("aws:*:Describe*", "throttle", times=1)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(getattr(aws, service), operation)()
    told = caught.value.response
    assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_an_error_of_choice_before_or_after_it_is_done(lab, aws):
    lab.faults.add("aws:ec2:CreateVpc", "error", code="VpcLimitExceeded", message="Too many.", nth=1)
    lab.faults.add("aws:ec2:CreateVpc", "error", code="ServiceUnavailable", status=503, done=True, times=1)
    for code, made in (("VpcLimitExceeded", 0), ("ServiceUnavailable", 1)):
        with pytest.raises(botocore.exceptions.ClientError, match=code):
            aws.once.create_vpc(CidrBlock="10.36.0.0/16")
        assert len(vpcs(aws.once, "10.36.0.0/16")) == made


def test_delay_runs_into_the_clients_timeout_and_it_is_done_all_the_same(lab, aws):
    lab.faults.add("aws:ec2:CreateVpc", "delay", seconds=0.5, times=1)
    impatient = boto3.Session(*lab.aws.credentials(AWS_ACCOUNTS["A"]), region_name="us-east-1").client(
        "ec2", endpoint_url=lab.aws.endpoint, config=Config(read_timeout=0.1, retries={"total_max_attempts": 1})
    )
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        impatient.create_vpc(CidrBlock="10.37.0.0/16")
    until(lambda: len(vpcs(aws.once, "10.37.0.0/16")) == 1)


def test_stale_reads_do_not_know_what_was_just_made(lab, aws):
    lab.faults.add("aws:ec2:DescribeVpcs", "stale", times=2)
    made = aws.once.create_vpc(CidrBlock="10.38.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(botocore.exceptions.ClientError, match=r"InvalidVpcID.NotFound.*'vpc-"):
        aws.once.describe_vpcs(VpcIds=[made])
    assert vpcs(aws.once, "10.38.0.0/16") == []
    assert len(vpcs(aws.once, "10.38.0.0/16")) == 1


def test_a_stale_read_shows_what_was_there_before(lab, aws):
    lab.faults.add("aws:ec2:DescribeVpcAttribute", "stale", nth=2)
    vpc = aws.once.create_vpc(CidrBlock="10.39.0.0/16")["Vpc"]["VpcId"]

    def names():
        return aws.once.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]

    assert names() is False
    aws.once.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert [names(), names()] == [False, True]


STACK = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.40.0.0/16}}
  Address: {Type: AWS::EC2::EIP, DependsOn: Vpc}
"""


def stacked(aws, name):
    aws.cfn.create_stack(StackName=name, TemplateBody=STACK)
    until(lambda: not aws.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"].endswith("IN_PROGRESS"))
    events = aws.cfn.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"] == "CREATE_FAILED"]
    return aws.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"], " ".join(reasons)


def test_what_cloudformation_does_for_its_caller_is_hit_and_the_stack_rolls_back(lab, aws):
    lab.faults.add("aws:ec2 via cloudformation:AllocateAddress", "error", status=503, message="None today.")
    status, reasons = stacked(aws, "unlucky")
    assert status == "ROLLBACK_COMPLETE"
    assert "None today." in reasons
    assert vpcs(aws.once, "10.40.0.0/16") == []


def test_no_wire_inside(lab, aws):
    lab.faults.add("aws:ec2 via cloudformation:*", "lost")
    assert stacked(aws, "inside")[0] == "CREATE_COMPLETE"
    assert kinds(lab) == []


def test_the_pool_of_addresses_runs_dry_for_both_clouds(lab, aws, cloud):
    lab.faults.add("lab:addresses:take", "exhausted")
    with pytest.raises(botocore.exceptions.ClientError, match="AddressLimitExceeded"):
        aws.once.allocate_address(Domain="vpc")
    body = {"location": REGION, "sku": {"name": "Standard"}, "public_ip_allocation_method": "Static"}
    with pytest.raises(azure.core.exceptions.HttpResponseError):
        cloud.network.public_ip_addresses.begin_create_or_update("lab", "dry", body).result()
    lab.faults.clear()
    aws.once.release_address(AllocationId=aws.once.allocate_address(Domain="vpc")["AllocationId"])


# Azure


def test_azures_lost_answer(lab, cloud):
    lab.faults.add("azure:Microsoft.Network:PUT networkSecurityGroups/lost", "lost", times=1)
    with pytest.raises(azure.core.exceptions.ServiceResponseError):
        nsg(cloud, "lost")
    assert has_nsg(cloud, "lost")


def test_azures_reset(lab, cloud):
    lab.faults.add("azure:*:PUT networkSecurityGroups/*", "reset", times=1)
    with pytest.raises(azure.core.exceptions.ServiceResponseError, match="reset"):
        nsg(cloud, "reset")
    assert not has_nsg(cloud, "reset")


def test_azures_half_answer(lab, cloud):
    lab.faults.add("azure:*:PUT networkSecurityGroups/*", "half", times=1)
    with pytest.raises(azure.core.exceptions.AzureError):
        nsg(cloud, "half")
    assert has_nsg(cloud, "half")


def test_azures_html(lab, cloud):
    lab.faults.add("azure:*:GET networkSecurityGroups/*", "html", times=1)
    with pytest.raises(azure.core.exceptions.HttpResponseError) as caught:
        cloud.network.network_security_groups.get("lab", "any")
    assert caught.value.status_code == 500
    assert "<html>" in caught.value.response.text()
    assert caught.value.error is None  # no code to decide by


def test_azure_throttles_with_a_header(lab, cloud):
    lab.faults.add("azure:*:GET networkSecurityGroups*", "throttle", seconds=17, times=1)
    with pytest.raises(azure.core.exceptions.HttpResponseError) as caught:
        list(cloud.network.network_security_groups.list("lab"))
    assert (caught.value.status_code, caught.value.error.code) == (429, "TooManyRequests")
    assert caught.value.response.headers["Retry-After"] == "17"
    assert caught.value.response.headers["x-ms-ratelimit-remaining-subscription-reads"] == "0"


@pytest.mark.parametrize("done", [False, True])
def test_azures_error_of_choice(lab, cloud, done):
    name = f"error-{done}".lower()
    lab.faults.add(f"azure:*:PUT *{name}", "error", code="AnotherOperationInProgress", status=409, done=done)
    with pytest.raises(azure.core.exceptions.HttpResponseError, match="AnotherOperationInProgress"):
        nsg(cloud, name)
    assert has_nsg(cloud, name) is done


def test_azures_stale_list(lab, cloud):
    lab.faults.add("azure:*:GET networkSecurityGroups", "stale", nth=2)
    assert not has_nsg(cloud, "stale")
    nsg(cloud, "stale").wait()
    assert not has_nsg(cloud, "stale")
    assert has_nsg(cloud, "stale")
    assert kinds(lab) == ["stale"]


def test_the_sdks_own_poller_takes_a_stale_read_for_a_failure(lab, cloud):
    lab.faults.add("azure:*:GET networkSecurityGroups/polled", "stale", times=1)
    with pytest.raises(azure.core.exceptions.HttpResponseError, match="ResourceNotFound"):
        nsg(cloud, "polled").wait()
    assert has_nsg(cloud, "polled")


def test_azures_read_after_write_says_not_found(lab, cloud):
    nsg(cloud, "gone").wait()
    lab.faults.add("azure:*:GET networkSecurityGroups/gone", "stale", times=1)
    with pytest.raises(azure.core.exceptions.ResourceNotFoundError):
        cloud.network.network_security_groups.get("lab", "gone")
    assert cloud.network.network_security_groups.get("lab", "gone").name == "gone"


def test_azures_stale_read_after_a_change_shows_what_was_there(lab, cloud):
    """Also when nobody read it before: the one who changes a thing need not have looked."""
    nsg(cloud, "old").wait()
    lab.faults.add("azure:*:GET networkSecurityGroups/old", "stale", times=1)
    cloud.network.network_security_groups.update_tags("lab", "old", {"tags": {"age": "new"}})
    found = [(cloud.network.network_security_groups.get("lab", "old").tags or {}).get("age") for _ in range(2)]
    assert found == [None, "new"]


def test_azures_delay(lab, cloud):
    lab.faults.add("azure:*:GET networkSecurityGroups", "delay", seconds=0.3, times=1)
    with pytest.raises(azure.core.exceptions.ServiceResponseError, match="timed out"):
        list(cloud.network.network_security_groups.list("lab", read_timeout=0.1))


def test_one_subscription_only(lab, cloud):
    other = connect(lab.azure, AZURE_SUBSCRIPTIONS["B2"])
    lab.faults.add("azure:*:* resourceGroups*", "error", where=AZURE_SUBSCRIPTIONS["B"])
    assert list(other.resources.resource_groups.list()) == []
    with pytest.raises(azure.core.exceptions.HttpResponseError):
        list(cloud.resources.resource_groups.list())


# Routers


def test_a_lost_token_stays_open_unknown(lab, router):
    lab.faults.add("vns3:POST /access/token", "lost", times=1)
    ask = raw(router)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask("POST", "/access/token", json={"name": "lost", "expires": 60})
    assert [one["name"] for one in ask("GET", "/access/tokens").json()["response"]] == ["lost"]


def test_urllib3_asks_again_after_a_reset_and_the_sdk_notices_nothing(lab, vns3, router):
    lab.faults.add("vns3:GET /config", "reset", times=1)
    assert vns3.config.get_config().response.vns3_version
    assert kinds(lab) == ["reset"]
    lab.faults.add("vns3:GET /config", "reset", times=1)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        raw(router)("GET", "/config")


def test_a_routers_half_answer(lab, router):
    lab.faults.add("vns3:PUT /config", "half", times=1)
    with pytest.raises(urllib3.exceptions.ProtocolError, match="Incomplete"):
        raw(router)("PUT", "/config", json={"topology_name": "half"})
    assert router.settings.topology_name == "half"


def test_a_routers_html_and_error(lab, vns3):
    lab.faults.add("vns3:GET /config", "html", nth=1)
    lab.faults.add("vns3:GET /config", "error", status=502, nth=1)
    with pytest.raises(ApiException) as caught:
        vns3.config.get_config()
    assert caught.value.status == 500
    assert "<html>" in str(caught.value.body)
    with pytest.raises(ApiException) as caught:
        vns3.config.get_config()
    assert caught.value.status == 502


def test_a_routers_delay(lab, router):
    lab.faults.add("vns3:GET /config", "delay", seconds=0.2, times=1)
    began = time.monotonic()
    assert raw(router)("GET", "/config").status == 200
    assert time.monotonic() - began >= 0.2


def test_a_router_that_hangs_hangs_for_everyone(lab, router):
    lab.faults.add("vns3:PUT /config", "hang", seconds=0.5, times=1)
    first = threading.Thread(target=lambda: swallowed(raw(router), "PUT", "/config", json={"topology_name": "hung"}))
    first.start()
    until(lambda: lab.faults.fired)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        raw(router)("GET", "/config", timeout=0.1)
    first.join()
    assert router.settings.topology_name != "hung"
    assert raw(router)("GET", "/config").status == 200


def test_a_router_that_hangs_goes_on_when_the_fault_is_cleared(lab, router):
    fault = lab.faults.add("vns3:PUT /config", "hang", seconds=600, times=1)
    first = threading.Thread(target=lambda: swallowed(raw(router), "PUT", "/config", json={"topology_name": "hung"}))
    first.start()
    until(lambda: lab.faults.fired)
    lab.faults.clear(fault.id)
    first.join(30)
    assert not first.is_alive()
    assert raw(router)("GET", "/config").status == 200


def swallowed(ask, *words, **more):
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        ask(*words, **more)


@pytest.mark.parametrize("done", [False, True])
def test_a_router_that_reboots_at_the_wrong_moment(lab, router, done):
    lab.faults.add("vns3:PUT /config", "reboot", seconds=0.3, times=1, done=done)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        raw(router)("PUT", "/config", json={"topology_name": f"rebooted {done}"})
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        raw(router)("GET", "/config")
    until(lambda: router.listening)
    assert (router.settings.topology_name == f"rebooted {done}") is done


# The model


def test_every_fault_that_fired_is_in_the_log(lab, aws, cloud, router):
    lab.faults.add("aws:ec2:DescribeVpcs", "error", times=1)
    lab.faults.add("azure:*:GET resourceGroups*", "html", times=1)
    lab.faults.add("vns3:GET /config", "lost", times=1)
    with pytest.raises(botocore.exceptions.ClientError):
        aws.once.describe_vpcs()
    with pytest.raises(azure.core.exceptions.HttpResponseError):
        list(cloud.resources.resource_groups.list())
    with pytest.raises(urllib3.exceptions.ProtocolError):
        raw(router)("GET", "/config")
    assert [(one.kind, one.call) for one in lab.faults.fired] == [
        ("error", "aws:ec2:DescribeVpcs"),
        ("html", "azure:Microsoft.Resources:GET resourcegroups"),
        ("lost", "vns3:GET /config"),
    ]
    assert lab.aws.calls[-1].fault.startswith("error #")
    assert lab.azure.calls[-1].fault.startswith("html #")
    until(lambda: router.calls[-1].fault)
    assert (router.calls[-1].fault[:4], router.calls[-1].status) == ("lost", 0)


@pytest.mark.parametrize(
    ("how", "hit"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"times": 2}, [1, 2]),
        ({"nth": 3}, [3]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"probability": 0}, []),
        ({"probability": 1, "times": 1}, [1]),
    ],
)
def test_how_often(how, hit):
    faults = Faults()
    faults.add("aws:ec2:CreateVpc", "error", **how)
    assert [n for n in range(1, 7) if faults.strike("aws:ec2:CreateVpc", "1")] == hit


def test_a_seed_gives_the_same_run_again():
    def run(seed):
        faults = Faults(seed)
        faults.add("aws:ec2:*", "error", probability=0.3)
        return [bool(faults.strike("aws:ec2:CreateVpc", "1")) for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 30 < sum(run(1)) < 90


@pytest.mark.parametrize(
    ("pattern", "call", "where", "hits"),
    [
        ("aws:ec2:Create*", "aws:ec2:CreateVpc", "*", True),
        ("AWS:EC2:createvpc", "aws:ec2:CreateVpc", "*", True),
        ("aws:ec2:Create*", "aws:ec2 via cloudformation:CreateVpc", "*", False),
        ("aws:ec2*:Create*", "aws:ec2 via cloudformation:CreateVpc", "*", True),
        ("azure:*:PUT networkSecurityGroups/*", "azure:Microsoft.Network:PUT networkSecurityGroups/a", "*", True),
        ("azure:*:PUT networkSecurityGroups/*", "azure:Microsoft.Network:DELETE networkSecurityGroups/a", "*", False),
        ("vns3:POST /ipsec/endpoints*", "vns3:POST /ipsec/endpoints/1/tunnels", "*", True),
        ("vns3:POST /ipsec/endpoints*", "vns3:POST /ipsec/endpoints", "router-?", True),
        ("vns3:POST /ipsec/endpoints*", "vns3:POST /ipsec/endpoints", "other", False),
    ],
)
def test_patterns(pattern, call, where, hits):
    faults = Faults()
    faults.add(pattern, "error", where=where)
    assert bool(faults.strike(call, "router-1", "id")) is hits


@pytest.mark.parametrize(
    ("pattern", "kind", "how", "named"),
    [
        ("aws:ec2:CreateVpc", "explode", {}, "kind = 'explode'"),
        ("CreateVpc", "lost", {}, "pattern = 'CreateVpc'"),
        ("aws:CreateVpc", "lost", {}, "pattern = 'aws:CreateVpc'"),
        ("vns3:GET /config", "throttle", {}, "kind = 'throttle' does not happen at vns3"),
        ("vns3:GET /config", "stale", {}, "kind = 'stale' does not happen at vns3"),
        ("aws:ec2:CreateVpc", "reboot", {}, "kind = 'reboot' does not happen at aws"),
        ("lab:addresses:take", "lost", {}, "kind = 'lost' does not happen at lab"),
        ("aws:ec2:CreateVpc", "lost", {"nth": 0}, "nth = 0"),
        ("aws:ec2:CreateVpc", "lost", {"every": -1}, "every = -1"),
        ("aws:ec2:CreateVpc", "lost", {"times": 0}, "times = 0"),
        ("aws:ec2:CreateVpc", "lost", {"probability": 2}, "probability = 2"),
        ("aws:ec2:CreateVpc", "delay", {"seconds": -1}, "seconds = -1"),
        ("aws:ec2:CreateVpc", "error", {"status": 200}, "status = 200"),
        ("aws:ec2:CreateVpc", "throttle", {"done": True}, "done = True"),
        ("aws:ec2:CreateVpc", "lost", {"often": 1}, "often"),
        ("aws:ec2:CreateVpc", "lost", {"id": 1}, "id"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(pattern, kind, how, named):
    with pytest.raises(ValueError, match=named.replace("(", r"\(")):
        Faults().add(pattern, kind, **how)


def test_listed_and_cleared():
    faults = Faults()
    one, two = faults.add("aws:ec2:*", "lost", times=1), faults.add("vns3:* /config", Kind.hang)
    faults.strike("aws:ec2:CreateVpc", "1")
    faults.strike("aws:ec2:CreateVpc", "1")
    assert [(each["id"], each["seen"], each["fired"]) for each in faults.listed()] == [(one.id, 2, 1), (two.id, 0, 0)]
    assert faults.listed()[1]["seconds"] == 30.0
    assert [faults.clear(one.id), faults.clear(99), faults.clear()] == [1, 0, 1]
    assert faults.listed() == []
