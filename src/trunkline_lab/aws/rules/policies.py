"""IAM's policies by AWS: moto has them all, but loading them takes long, and nobody needs them all."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

from trunkline_lab.aws.calls import Answer, Call, Handler

_BY_AWS = ":iam::aws:policy/"


def aws_policies(call: Call, proceed: Handler) -> Answer:
    """A policy by AWS exists as soon as a call names it."""
    arn = call.form.get("PolicyArn", "") if call.service == "iam" else ""
    if _BY_AWS in arn:
        iam = iam_backends[call.account]["aws"]
        path, _, name = arn.partition(_BY_AWS)[2].rpartition("/")
        found = _policy(name)
        if arn not in iam.managed_policies and found and found["Path"].strip("/") == path:
            iam.managed_policies[arn] = AWSManagedPolicy.from_data(name, call.account, "us-east-1", found)
    return proceed(call)


@cache
def _policy(name: str) -> dict[str, Any] | None:
    # Read anew for each policy: kept, all 1500 of them would take more memory than the rest of the lab.
    found: dict[str, Any] | None = json.loads(aws_managed_policies_data).get(name)
    return found
