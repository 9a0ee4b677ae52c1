"""Functions that see more than their arguments: parameters, variables, branches, loops and the deployment."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from trunkline_lab.azure.errors import invalid_template, naming
from trunkline_lab.azure.language import dates
from trunkline_lab.azure.language.expressions import Call
from trunkline_lab.azure.language.functions import FUNCTIONS
from trunkline_lab.azure.language.scope import Scope, item, refused, special


def one_text(scope: Scope, tree: Call) -> str:
    """The one text that a call was given. Raises ArmError."""
    if len(tree.arguments) != 1:
        raise refused(tree, "it takes one argument")
    value = scope.evaluate(tree.arguments[0])
    if not isinstance(value, str):
        raise refused(tree, "its argument is a text")
    return value


@special("parameters")
def _parameters(scope: Scope, tree: Call) -> Any:
    name = one_text(scope, tree)
    if name.lower() not in scope.parameters:
        raise invalid_template(f"The template parameter '{name}' is not found. Please see https://aka.ms/arm-syntax")
    return scope.parameters[name.lower()]


@special("variables")
def _variables(scope: Scope, tree: Call) -> Any:
    name = one_text(scope, tree)
    if name.lower() not in scope.variables:
        raise invalid_template(f"The template variable '{name}' is not found. Please see https://aka.ms/arm-syntax")
    rest = {key: value for key, value in scope.variables.items() if key != name.lower()}
    # Without itself, a variable that leads back to itself ends in "not found" instead of going round forever.
    with naming(f"The template variable '{name}'"):
        return replace(scope, variables=rest, reference=None).value(scope.variables[name.lower()])


@special("if")
def _if(scope: Scope, tree: Call) -> Any:
    """Only the branch that is chosen is evaluated."""
    if len(tree.arguments) != 3:
        raise refused(tree, "it takes three arguments")
    condition = scope.evaluate(tree.arguments[0])
    if not isinstance(condition, bool):
        raise refused(tree, "its condition is true or false")
    return scope.evaluate(tree.arguments[1 if condition else 2])


def _truths(scope: Scope, tree: Call) -> Iterable[bool]:
    """The arguments as true or false, each evaluated when it is asked for. Raises ArmError."""
    for argument in tree.arguments:
        try:
            yield FUNCTIONS["bool"].call(scope.evaluate(argument))
        except ValueError as unfit:
            raise refused(tree, str(unfit)) from None


@special("and")
def _and(scope: Scope, tree: Call) -> bool:
    return all(_truths(scope, tree))


@special("or")
def _or(scope: Scope, tree: Call) -> bool:
    return any(_truths(scope, tree))


@special("coalesce")
def _coalesce(scope: Scope, tree: Call) -> Any:
    values = (scope.evaluate(argument) for argument in tree.arguments)
    return next((value for value in values if value is not None), None)


@special("tryGet")
def _try_get(scope: Scope, tree: Call) -> Any:
    """tryGet(object or array, key...): null in place of what is not there."""
    if len(tree.arguments) < 2:
        raise refused(tree, "it takes an object or array, and one or more keys")
    found, *keys = (scope.evaluate(argument) for argument in tree.arguments)
    for key in keys:
        if found is None:
            return None
        found = item(found, key, safe=True)
    return found


@special("copyIndex")
def _copy_index(scope: Scope, tree: Call) -> int:
    arguments = [scope.evaluate(argument) for argument in tree.arguments]
    name = str(arguments.pop(0)).lower() if arguments and isinstance(arguments[0], str) else ""
    if name not in scope.loops:
        raise invalid_template(
            "The template function 'copyIndex' is not expected at this location. The function can only be used in a "
            "resource with copy specified. Please see https://aka.ms/arm-copy for usage details"
        )
    return scope.loops[name] + (int(arguments[0]) if arguments else 0)


@special("fail")
def _fail(scope: Scope, tree: Call) -> Any:
    """A template's own refusal."""
    raise invalid_template(f"The template function 'fail' was called: {one_text(scope, tree)}")


@special("deployment")
def _deployment(scope: Scope, tree: Call) -> Any:
    return scope.place.deployment


@special("resourceGroup")
def _resource_group(scope: Scope, tree: Call) -> Any:
    if scope.place.group is None:
        raise invalid_template(
            "The template function 'RESOURCEGROUP' is not expected at this location: a deployment at the scope of a "
            "subscription has no resource group. Please see https://aka.ms/arm-functions for usage details"
        )
    return scope.place.group


@special("subscription")
def _subscription(scope: Scope, tree: Call) -> Any:
    return scope.place.subscription


@special("tenant")
def _tenant(scope: Scope, tree: Call) -> Any:
    tenant = scope.place.subscription["tenantId"]
    return {"tenantId": tenant, "id": f"/tenants/{tenant}", "displayName": "Lab", "country": "", "countryCode": ""}


def _default_only(scope: Scope, tree: Call) -> None:
    if not scope.defaults:
        raise invalid_template(f"The template function '{tree.spelling}' is not expected at this location")


@special("newGuid")
def _new_guid(scope: Scope, tree: Call) -> str:
    _default_only(scope, tree)
    return str(uuid.uuid4())


@special("utcNow")
def _utc_now(scope: Scope, tree: Call) -> str:
    """utcNow([format]); without one, the time in ISO 8601's short form."""
    _default_only(scope, tree)
    pattern = one_text(scope, tree) if tree.arguments else dates.SHORT
    try:
        return dates.write(datetime.now(UTC), pattern)
    except ValueError as unfit:
        raise refused(tree, str(unfit)) from None


_NOT_HERE = {
    "managementGroup": "a deployment at the scope of a management group",
    "managementGroupResourceId": "management groups",
    "getSecret": "key vaults",
    "externalInput": "parameter files of extensions",
    "deployer": "who deploys: any token is taken, and it names nobody",
    "toLogicalZone": "the mapping of zones of a real subscription",
    "toLogicalZones": "the mapping of zones of a real subscription",
    "toPhysicalZone": "the mapping of zones of a real subscription",
    "toPhysicalZones": "the mapping of zones of a real subscription",
}


@special(*_NOT_HERE)
def _not_here(scope: Scope, tree: Call) -> Any:
    """Refused by name: what only a real account could answer."""
    what = next(words for name, words in _NOT_HERE.items() if name.lower() == tree.name)
    raise refused(tree, f"the lab's Azure has not {what}")
