"""Labs as processes: up, status, down, side by side, and after a sudden death."""

import contextlib
import json
import os
import signal
import socket
import stat
import threading
import time
import tomllib
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError

from trunkline_lab import process
from trunkline_lab.addresses import Claim
from trunkline_lab.cli import main
from trunkline_lab.habits import Order
from trunkline_lab.home import Home


@pytest.fixture
def labs(tmp_path, monkeypatch):
    """A state directory of the test's own; labs that it left are ended."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yield tmp_path / "trunkline" / "labs"
    folder = tmp_path / "trunkline" / "labs"
    for directory in folder.iterdir() if folder.exists() else ():
        process.stop(Home(directory.name))


def run(capsys, *words):
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def told(capsys, *words):
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0
    return json.loads(out)


def closed(address, port=8000):
    with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
        return False
    return True


def test_up_status_down(labs, capsys):
    first = told(capsys, "up", "--pace", "fast", "--routers", "2")
    assert stat.S_IMODE((labs / "lab").stat().st_mode) == 0o700
    router = first["controllers"][1]
    assert router["default_password"]
    assert router["listening"] is True
    assert not closed(router["address"])

    code, out, err = run(capsys, "up")
    assert (code, "already up" in err) == (0, True)
    assert first["config"] in out
    code, out, _ = run(capsys, "status")
    assert (code, "unlicensed" in out) == (0, True)

    second = told(capsys, "up", "--name", "second", "--pace", "fast")
    assert second["endpoints"].keys() == first["endpoints"].keys()
    assert not set(second["endpoints"].values()) & set(first["endpoints"].values())

    assert told(capsys, "down") == {"name": "lab", "was_up": True}
    assert closed(router["address"])
    assert not (labs / "lab").exists()
    assert told(capsys, "status", "--name", "second")["name"] == "second"
    assert run(capsys, "down")[:2] == (0, "lab lab was not up\n")
    code, _, err = run(capsys, "status")
    assert (code, err) == (1, "error: lab lab is not up\nhint: trunkline lab up\n")


def test_up_says_how_the_clouds_are_to_be(labs, capsys, tmp_path, monkeypatch):
    """Every option is felt through the SDKs; a folder is found from where the command was typed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cfn").mkdir()
    (tmp_path / "cfn" / "vpc.yaml").write_text("Resources: {Gate: {Type: AWS::EC2::InternetGateway}}")
    (tmp_path / "arm").mkdir()
    (tmp_path / "arm" / "inner.json").write_text(json.dumps({**ARM, "resources": [ADDRESS]}))
    clouds = ("--read-lag", "0.5", "--passing", "0.5", "--limits", "--basic-skus")
    folders = ("--bucket", "shelf=cfn", "--templates", "https://example.org/arm/=arm")
    up = told(capsys, "up", "--pace", "fast", "--seed", "1", *clouds, *folders)

    ec2, formation = (client(up, service) for service in ("ec2", "cloudformation"))
    first = [ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in range(4)]
    looks = [first[-1] in {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]} for _ in range(12)]
    assert {True, False} == set(looks), "half of the reads lag"
    with pytest.raises(ClientError, match="VpcLimitExceeded"):
        ec2.create_vpc(CidrBlock="10.9.0.0/16")
    formation.create_stack(StackName="net", TemplateURL="https://shelf.s3.us-east-1.amazonaws.com/vpc.yaml")
    formation.get_waiter("stack_create_complete").wait(StackName="net", WaiterConfig={"Delay": 0.1})

    azure = f"{up['endpoints']['azure']}/subscriptions/b0000000-0000-4000-8000-000000000001/resourcegroups/g"
    put(f"{azure}?api-version=2021-04-01", {"location": "westeurope"})
    linked = {"uri": "https://example.org/arm/inner.json"}
    nested = {"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "inner"}
    nested["properties"] = {"mode": "Incremental", "templateLink": linked}
    properties = {"mode": "Incremental", "template": {**ARM, "resources": [nested]}}
    deployment = f"{azure}/providers/Microsoft.Resources/deployments/d?api-version=2021-04-01"
    put(deployment, {"properties": properties})
    end = time.monotonic() + 10
    while (state := put(deployment)["properties"]["provisioningState"]) not in ("Succeeded", "Failed"):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert state == "Succeeded", "the linked template is found, and a Basic address can be made"


ARM = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
}
ADDRESS = {
    "type": "Microsoft.Network/publicIPAddresses",
    "apiVersion": "2023-09-01",
    "name": "a",
    "location": "westeurope",
    "sku": {"name": "Basic"},
    "properties": {"publicIPAllocationMethod": "Static"},
}


def client(up, service):
    key, secret = _account(up["config"], "A")
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=up["endpoints"]["aws"],
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def put(url, body=None):
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    method, data = ("PUT", json.dumps(body).encode()) if body else ("GET", None)
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--read-lag", "-1"), "--read-lag"),
        (("--read-lag", "61"), "61"),
        (("--passing", "soon"), "soon"),
        (("--seed", "-1"), "--seed"),
        (("--bucket", "shelf"), "'shelf' is not NAME=FOLDER"),
        (("--bucket", "shelf=nowhere"), "there is no folder nowhere"),
        (("--templates", "=/"), "'=/' is not NAME=FOLDER"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_starts(labs, capsys, words, says):
    code, _, err = run(capsys, "up", *words)
    assert (code, says in err) == (64, True), err
    assert words[0] in err
    assert not labs.exists()


def test_faults_and_the_audit_of_a_running_lab(labs, capsys):
    up = told(capsys, "up", "--pace", "fast")
    ec2 = client(up, "ec2")
    armed = told(capsys, "fault", "add", "aws:ec2:CreateVpc", "lost", "--times", "1")
    assert (armed["id"], armed["kind"], armed["done"]) == (1, "lost", True)
    run(capsys, "fault", "add", "vns3:*", "hang", "--where", "acme*", "--seconds", "2")
    ec2.create_vpc(CidrBlock="10.7.0.0/16")
    code, out, _ = run(capsys, "fault", "list")
    assert code == 0
    assert "struck 1 of 2" in out
    assert "lost #1 struck aws:ec2:CreateVpc" in out
    assert [one["fired"] for one in told(capsys, "fault", "list")["faults"]] == [1, 0]
    assert told(capsys, "fault", "clear", "1") == {"cleared": 1}
    assert run(capsys, "fault", "clear")[1] == "1 disarmed\n"
    code, _, err = run(capsys, "fault", "clear", "99")
    assert (code, "99 is no fault that is armed" in err) == (64, True), err
    assert "no fault is armed" in run(capsys, "fault", "list")[1]

    code, out, _ = run(capsys, "audit")
    assert code == 0
    assert "double  one role: vpc vpc-" in out
    audit = told(capsys, "audit")
    assert [fired["kind"] for fired in audit["faults"]] == ["lost"]
    assert [entry["fault"][:4] for entry in audit["calls"] if entry["call"] == "ec2:CreateVpc"] == ["lost", ""]


def _account(config, name):
    with open(config, "rb") as file:
        account = tomllib.load(file)["accounts"][name]
    return account["access_key_id"], account["secret_access_key"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("CreateVpc", "lost"), "pattern = 'CreateVpc'"),
        (("vns3:GET /config", "throttle"), "kind = 'throttle'"),
        (("aws:ec2:*", "lost", "--nth", "0"), "nth = 0"),
        (("aws:ec2:*", "explode"), "explode"),
    ],
)
def test_a_wrong_fault_is_wrong_usage(one_lab, capsys, words, named):
    code, out, err = run(capsys, "fault", "add", *words)
    assert (code, out) == (64, "")
    assert named in err
    assert "hint: " in err


@pytest.fixture(scope="module")
def one_lab(tmp_path_factory):
    """A lab that several tests only look at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        process.start(Home("lab"), Order(pace="fast"))
        yield
        process.stop(Home("lab"))


@pytest.mark.parametrize(
    "words", [("fault", "list"), ("fault", "clear"), ("fault", "add", "aws:*:*", "lost"), ("audit",)]
)
def test_no_lab_no_answer(labs, capsys, words):
    assert run(capsys, *words) == (1, "", "error: lab lab is not up\nhint: trunkline lab up\n")


def test_a_killed_lab_is_recognised_and_its_leftovers_go(labs, capsys):
    told(capsys, "up", "--pace", "fast")
    home = Home("lab")
    number = home.read()["pid"]
    os.kill(number, signal.SIGKILL)
    wait_until(lambda: not home.alive())
    (labs / "lab" / "home").mkdir(exist_ok=True)
    (labs / "lab" / "home" / "old").write_text("left over")
    again = told(capsys, "up", "--pace", "fast")
    assert home.read()["pid"] != number
    assert not (labs / "lab" / "home" / "old").exists()
    os.kill(home.read()["pid"], signal.SIGKILL)
    wait_until(lambda: not home.alive())
    assert run(capsys, "status")[0] == 1
    assert not (labs / "lab").exists()
    assert closed("127.0.0.1", int(again["endpoints"]["aws"].rpartition(":")[2]))


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_at_once_make_one(labs, capsys):
    homes = [Home("lab"), Home("lab")]
    started = []

    def start(home):
        started.append(process.start(home, Order(pace="fast")))

    threads = [threading.Thread(target=start, args=(home,)) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 2  # neither failed: who comes second waits for the first
    assert process.ask(homes[0], "/status")["endpoints"] == process.ask(homes[1], "/status")["endpoints"]


def test_a_lab_that_cannot_start_shows_its_log(labs, capsys, monkeypatch):
    monkeypatch.setattr(process, "START_SECONDS", 15.0)
    monkeypatch.setenv("PYTHONPATH", str(labs.parent))  # the child alone finds a broken moto
    labs.parent.mkdir(parents=True, exist_ok=True)
    (labs.parent / "moto.py").write_text("raise ImportError('no such part')")
    code, _, err = run(capsys, "up")
    assert code == 1
    assert "ended before it was ready" in err
    assert "no such part" in err
    assert [path.name for path in sorted((labs / "lab").iterdir())] == ["lab.log", "lock"]
    assert run(capsys, "down")[0] == 0
    assert not (labs / "lab").exists()


@pytest.mark.parametrize(
    "words", [("up", "--name", "A_B"), ("up", "--pace", "warp"), ("up", "--routers", "-1"), ("sideways",), ("up", "x")]
)
def test_wrong_usage_is_64_and_touches_nothing(labs, capsys, words):
    code, out, err = run(capsys, *words)
    assert (code, out) == (64, "")
    assert err.startswith("error: ")
    assert not labs.exists()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--help",),
        *[(name, "--help") for name in ("up", "status", "down", "audit")],
        *[("fault", name, "--help") for name in ("add", "list", "clear")],
    ],
)
def test_help_has_examples(labs, capsys, words):
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "trunkline lab" in out
    assert len(words) < 2 or "Examples:" in out


def test_claims_are_apart():
    claims = [Claim() for _ in range(5)]
    try:
        assert len({claim.prefix for claim in claims}) == 5
        for claim in claims:
            with pytest.raises(OSError, match="in use"):
                socket.create_server((f"{claim.prefix}.254", 8000))
            assert claim.addresses.take().startswith(claim.prefix + ".")
    finally:
        for claim in claims:
            claim.release()
    with socket.create_server((f"{claims[0].prefix}.254", 8000)):
        pass


def test_no_free_address_says_what_to_do(monkeypatch):
    class Taken(socket.socket):
        def bind(self, address):
            raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket, "socket", Taken)
    monkeypatch.setattr("errno.EADDRINUSE", 98)
    with pytest.raises(RuntimeError, match=r"stop the server that listens on 0\.0\.0\.0:8000"):
        Claim()


def test_a_place_that_cannot_be_written_to_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    code, out, err = run(capsys, "up")
    assert (code, out) == (1, "")
    assert err.startswith("error: the lab cannot keep its files: Not a directory: ")
    assert "hint: set XDG_STATE_HOME" in err
