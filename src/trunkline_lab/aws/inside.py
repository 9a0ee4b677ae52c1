"""SDK clients for calls from inside the lab: they pass the gateway's rules and log, but no socket."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from trunkline_lab.aws.gateway import Gateway
from trunkline_lab.aws.server import environment

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


# The machine's own AWS configuration is none of the lab's business: no profile, no file.
_ALONE: dict[str, Any] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


class Clients:
    """Makes clients that act for an account, as CloudFormation acts for its caller."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._session = botocore.session.Session(session_vars=_ALONE)
        self._made: dict[tuple[str, str, str], Any] = {}

    def ec2(self, account: str, region: str) -> EC2Client:
        """An EC2 client of one account and region."""
        made: EC2Client = self.client("ec2", account, region)
        return made

    def client(self, service: str, account: str, region: str) -> Any:
        """A client of any service that the gateway answers."""
        key = (service, account, region)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(*key)
            return self._made[key]

    def _make(self, service: str, account: str, region: str) -> Any:
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url="http://127.0.0.1:1",  # Never dialled: the hook below answers.
            aws_access_key_id="CLOUDFORMATION",
            aws_secret_access_key="CLOUDFORMATION",
            config=Config(retries={"total_max_attempts": 1}),
        )
        answer: Any = partial(self._send, account)
        client.meta.events.register("before-send", answer)
        return client

    def _send(self, account: str, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        headers = [
            (name, value.decode() if isinstance(value, bytes) else value) for name, value in request.headers.items()
        ]
        environ = environment(request.method or "POST", "/", headers, body)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        environ["trunkline.via"] = "cloudformation"
        given = self._gateway.serve(environ)
        return AWSResponse("", given.status, HTTPHeaders.from_pairs(given.headers), _Body(given.body))


class _Body(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """The rest of the body."""
        while chunk := self.read(65536):
            yield chunk
