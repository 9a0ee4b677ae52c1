"""AWS's wire formats, from botocore's service models: parameters in, answers and errors out."""

from __future__ import annotations

import re
from typing import Any

from botocore.model import OperationNotFoundError
from botocore.parsers import EC2QueryParser
from moto.core.errors import ErrorShape
from moto.core.model import OperationModel
from moto.core.request import determine_request_protocol
from moto.core.serialize import ResponseSerializer, SerializationContext, get_serializer_class
from moto.core.utils import get_service_model

from trunkline_lab.aws.calls import Answer, Call, Refused, request_id


def answer(call: Call, result: dict[str, Any]) -> Answer:
    """A successful answer with `result` in the shape of the operation's output."""
    serializer, identity = _serializer(call)
    return _answer(serializer.serialize(result), 200, identity)


def result(call: Call, given: Answer) -> dict[str, Any]:
    """What a successful EC2 answer says, as a caller of the SDK reads it."""
    shape = get_service_model(call.service).operation_model(call.operation).output_shape
    response = {"body": given.body, "headers": dict(given.headers), "status_code": given.status}
    found: dict[str, Any] = EC2QueryParser().parse(response, shape)
    found.pop("ResponseMetadata", None)
    return found


def refusal(call: Call, error: Refused) -> Answer:
    """An error as the service's protocol writes it."""
    # A shape made here: the services' models know few of the codes that they answer with.
    model: dict[str, Any] = {"type": "structure", "members": {}, "exception": True, "error": {"code": error.code}}
    serializer, identity = _serializer(call)
    written: dict[str, Any] = {}
    shape = ErrorShape(error.code, model)
    serializer._serialize_error_metadata(written, error, shape)
    empty: Any = {"body": "", "headers": {}, "status_code": error.status}
    return _answer(serializer._serialized_error_to_response(empty, error, shape, written), error.status, identity)


def error_code(given: Answer) -> str:
    """The error code in an answer, "" when there is none to be found."""
    found = re.search(rb"<Code>([^<]+)</Code>|\"__type\":\s*\"([^\"]+)\"", given.body[:4000])
    return (found[1] or found[2]).decode().rpartition("#")[2] if found else ""


def _serializer(call: Call) -> tuple[ResponseSerializer, str]:
    model = get_service_model(call.service)
    try:
        operation = model.operation_model(call.operation)
    except OperationNotFoundError:
        operation = OperationModel({}, model)
    protocol = determine_request_protocol(model, call.environ.get("CONTENT_TYPE", ""))
    identity = request_id()
    kind = get_serializer_class(model.service_name, protocol)
    return kind(operation, SerializationContext(identity)), identity


def _answer(done: Any, status: int, identity: str) -> Answer:
    body = done["body"] if isinstance(done["body"], bytes) else str(done["body"]).encode()
    headers = {"Content-Type": "text/xml", **done["headers"]}
    headers |= {"x-amzn-RequestId": identity, "Content-Length": str(len(body))}
    return Answer(status, tuple((str(k), str(v)) for k, v in headers.items()), body)
