"""The lab itself: how soon it is up, what it holds, and how long a stack of 16 resources takes without delays."""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial
from typing import Any

import boto3

from bench.figures import Figure
from bench.processes import OwnLab, among_children, children, run
from trunkline.config import load

ROUNDS, STACKS = 5, 9
UP, MEMORY, STACK = 2.0, 250.0, 0.150


def measure() -> list[Figure]:
    """Seconds until a lab is up (goal 2), its MB after nine stacks (goal 250), ms of a stack (goal 150)."""
    ups, memory, stacks, bare = [], [], [], []
    with children() as env, among_children(env):
        with OwnLab("fast"):
            pass  # the byte code is there from now on
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            with OwnLab("fast") as lab:
                ups.append(time.perf_counter() - begun)
                stacks += _stacks(load(lab.config).accounts["A"])
                memory.append(lab.memory())
            begun = time.perf_counter()
            run([sys.executable, "-c", "import boto3.session; boto3.session.Session().client('ec2', 'us-east-1')"], env)
            bare.append(time.perf_counter() - begun)
    up, held, stack = statistics.median(ups), max(memory), statistics.median(stacks)
    return [
        Figure("lab up", up, "s", "boto3's first client", statistics.median(bare), f"at most {UP:g} s", up <= UP),
        Figure("  its memory after nine stacks", held, "MB", goal=f"at most {MEMORY:g} MB", reached=held <= MEMORY),
        Figure(
            "a stack of 16 resources made",
            stack * 1000,
            "ms",
            goal=f"at most {STACK * 1000:g} ms",
            reached=stack <= STACK,
        ),
    ]


def _stacks(account: Any) -> list[float]:
    """Seconds from the request to CREATE_COMPLETE, the first stack left out: it warms up."""
    make = partial(
        boto3.client,
        "cloudformation",
        region_name=str(account["region"]),
        endpoint_url=str(account["endpoint"]),
        aws_access_key_id=str(account["access_key_id"]),
        aws_secret_access_key=str(account["secret_access_key"]),
    )
    client, took = make(), []
    for number in range(STACKS):
        begun = time.perf_counter()
        client.create_stack(StackName=f"s{number}", TemplateBody=_template(number))
        while (status := client.describe_stacks(StackName=f"s{number}")["Stacks"][0]["StackStatus"]) == _BUSY:
            time.sleep(0.005)
        took.append(time.perf_counter() - begun)
        if status != "CREATE_COMPLETE":
            raise SystemExit(f"the stack is {status}: there is nothing to measure")
    return took[1:]


_BUSY = "CREATE_IN_PROGRESS"


def _template(number: int) -> str:
    """A VPC, its gateway, four subnets, a table with a route and associations, three groups: 16 resources."""
    head = f"""
Resources:
  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.{number}.0.0/16}}}}
  Gate: {{Type: AWS::EC2::InternetGateway}}
  Attached:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {{VpcId: !Ref Vpc, InternetGatewayId: !Ref Gate}}
  Table: {{Type: AWS::EC2::RouteTable, Properties: {{VpcId: !Ref Vpc}}}}
  Out:
    Type: AWS::EC2::Route
    DependsOn: Attached
    Properties: {{RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gate}}
"""
    subnets = "".join(
        f"""
  Subnet{n}: {{Type: AWS::EC2::Subnet, Properties: {{VpcId: !Ref Vpc, CidrBlock: 10.{number}.{n}.0/24}}}}
  Uses{n}:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {{SubnetId: !Ref Subnet{n}, RouteTableId: !Ref Table}}
"""
        for n in range(4)
    )
    groups = "".join(
        f"""
  Group{n}: {{Type: AWS::EC2::SecurityGroup, Properties: {{GroupDescription: g, VpcId: !Ref Vpc}}}}
"""
        for n in range(3)
    )
    return head + subnets + groups
