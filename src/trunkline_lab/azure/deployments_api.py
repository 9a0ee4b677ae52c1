"""Deployments of a resource group, or of a whole subscription."""

from __future__ import annotations

import re

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.http import Answer, Request
from trunkline_lab.azure.ids import same
from trunkline_lab.azure.items import DEPLOYMENTS
from trunkline_lab.azure.operations import SOON
from trunkline_lab.azure.paths import PLACE, deployment_id, location
from trunkline_lab.azure.routing import Api, on
from trunkline_lab.azure.whatif import what_if

_ALL = PLACE + "/providers/microsoft.resources/deployments"
_ONE = _ALL + "/(?P<name>[^/]+)"


@on("PUT", _ONE, DEPLOYMENTS, "put")
def _put_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    deployment = api.deployments.read(deployment_id(parts), request.document())
    api.deployments.check(deployment)
    fresh = api.deployments.begin(deployment)
    body = deployment.view()
    operation = api.operations.start(str(deployment.id), api.deployments.run(deployment))
    headers = {**SOON, "azure-asyncoperation": location(operation.base, "operations", operation.id, request)}
    return Answer(201 if fresh else 200, body, headers)


@on("GET", _ONE, DEPLOYMENTS, "get")
def _get_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, api.deployments.find(deployment_id(parts)).view())


@on("HEAD", _ONE, DEPLOYMENTS, "head")
def _has_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    try:
        api.deployments.find(deployment_id(parts))
    except ArmError:
        return Answer(404)
    return Answer(204)


@on("DELETE", _ONE, DEPLOYMENTS, "delete")
def _delete_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = deployment_id(parts)
    try:
        api.deployments.delete(id_)
    except ArmError as refused:
        if refused.code == "DeploymentNotFound":
            return Answer(204)
        raise
    base = f"/subscriptions/{parts['sub']}"
    operation = api.operations.start(base, _nothing())
    return Answer(202, None, {**SOON, "location": location(base, "operationresults", operation.id, request)})


async def _nothing() -> None:
    """The work of an operation whose effect was there at once."""


@on("GET", _ALL, DEPLOYMENTS, "list")
def _list_deployments(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    found = api.deployments.in_group(parts["sub"], parts.get("group") or "")
    wanted = re.match(r"^provisioningState eq '(\w+)'$", request.query.get("$filter", ""), re.I)
    views = [one.view() for one in found if wanted is None or same(one.state, wanted[1])]
    return Answer(200, {"value": views[: int(request.query.get("$top") or len(views))]})


@on("POST", _ONE + "/validate", DEPLOYMENTS, "validate")
def _validate(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    deployment = api.deployments.read(deployment_id(parts), request.document())
    api.deployments.check(deployment)
    properties = {
        **deployment.summary(),
        "provisioningState": "Succeeded",
        "validatedResources": [{"id": str(item.id)} for item in deployment.template.wanted()],
    }
    return Answer(
        200, {"id": str(deployment.id), "name": deployment.id.name, "type": DEPLOYMENTS, "properties": properties}
    )


@on("POST", _ONE + "/whatIf", DEPLOYMENTS, "whatIf")
def _what_if(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    body = request.document()
    deployment = api.deployments.read(deployment_id(parts), body)
    settings = (body["properties"].get("whatIfSettings") or {}).get("resultFormat", "FullResourcePayloads")
    found = what_if(api.deployments, deployment, ids_only=str(settings) == "ResourceIdOnly")
    base = f"/subscriptions/{parts['sub']}"
    operation = api.operations.start(base, _nothing(), lambda: found)
    return Answer(202, None, {**SOON, "location": location(base, "operationresults", operation.id, request)})


@on("POST", _ONE + "/cancel", DEPLOYMENTS, "cancel")
def _cancel(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    api.deployments.cancel(deployment_id(parts))
    return Answer(204)


@on("POST", _ONE + "/exportTemplate", DEPLOYMENTS, "exportTemplate")
def _export(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"template": api.deployments.find(deployment_id(parts)).template.source})


# The SDK leaves "/providers/Microsoft.Resources" out of these two.
_STEPS = PLACE + "(?:/providers/microsoft.resources)?/deployments/(?P<name>[^/]+)/operations"


@on("GET", _STEPS, DEPLOYMENTS + "/operations", "list")
def _list_steps(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"value": [step.view() for step in api.deployments.find(deployment_id(parts)).steps]})


@on("GET", _STEPS + "/(?P<step>[^/-]+)", DEPLOYMENTS + "/operations", "get")
def _get_step(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    for step in api.deployments.find(deployment_id(parts)).steps:
        if same(step.id, parts["step"]):
            return Answer(200, step.view())
    raise ArmError(
        404, "DeploymentOperationNotFound", f"The deployment operation '{parts['step']}' could not be found."
    )
