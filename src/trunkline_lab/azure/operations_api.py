"""Long-running operations: asked for by their status, or by their result."""

from __future__ import annotations

from trunkline_lab.azure.http import Answer, Request
from trunkline_lab.azure.operations import SOON
from trunkline_lab.azure.routing import Api, on


@on("GET", r"(?P<base>/subscriptions/(?P<sub>[^/]+)(?:/.*)?)/operations/(?P<id>[0-9a-f-]{36})", "", "poll")
def _operation_status(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    operation = api.operations.find(parts["id"])
    return Answer(200, operation.status(), SOON if operation.state == "InProgress" else {})


@on("GET", r"(?P<base>/subscriptions/(?P<sub>[^/]+)(?:/.*)?)/operationResults/(?P<id>[0-9a-f-]{36})", "", "poll")
def _operation_result(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    operation = api.operations.find(parts["id"])
    if operation.state == "InProgress":
        return Answer(
            202, None, {**SOON, "location": f"{request.base}{request.path}?api-version={request.query['api-version']}"}
        )
    if operation.error is not None:
        raise operation.error
    body = operation.result()
    return Answer(204) if body is None else Answer(200, body)
