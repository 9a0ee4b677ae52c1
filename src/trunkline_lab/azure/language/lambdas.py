"""Functions that take a lambda: map, filter, sort, reduce, toObject, groupBy and mapValues.

They follow https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-lambda.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cmp_to_key
from typing import Any

from trunkline_lab.azure.errors import invalid_template
from trunkline_lab.azure.language.expressions import Call, Expression
from trunkline_lab.azure.language.scope import Scope, refused, special
from trunkline_lab.azure.language.special import one_text

Function = Callable[..., Any]


@special("lambdaVariables")
def _lambda_variables(scope: Scope, tree: Call) -> Any:
    name = one_text(scope, tree)
    if name.lower() not in scope.locals:
        raise invalid_template(f"The lambda variable '{name}' is not found. Please see https://aka.ms/arm-syntax")
    return scope.locals[name.lower()]


@special("lambda")
def _lambda(scope: Scope, tree: Call) -> Any:
    raise refused(tree, "a lambda stands only where a function takes one")


def _function(scope: Scope, tree: Call, at: int, *counts: int) -> Function:
    """The lambda that a call has at a place: lambda('name', ..., expression), with as many names as `counts` allow."""
    given: Expression = tree.arguments[at]
    if not isinstance(given, Call) or given.name != "lambda" or len(given.arguments) - 1 not in counts:
        raise refused(tree, f"its argument {at + 1} is a lambda of {' or '.join(map(str, counts))} variables")
    *names, body = given.arguments
    named = [str(scope.evaluate(name)).lower() for name in names]

    def call(*values: Any) -> Any:
        # A lambda that names fewer variables leaves the last ones, such as the index, out.
        return replace(scope, locals={**scope.locals, **dict(zip(named, values, strict=False))}).evaluate(body)

    return call


def _list(scope: Scope, tree: Call, *counts: int) -> list[Any]:
    """The array that is a call's first argument. Raises ArmError."""
    if len(tree.arguments) not in counts:
        raise refused(tree, f"it takes {' or '.join(map(str, counts))} arguments")
    values = scope.evaluate(tree.arguments[0])
    if not isinstance(values, list):
        raise refused(tree, "its first argument is an array")
    return values


def _true(tree: Call, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refused(tree, "its lambda answers true or false")
    return value


@special("map")
def _map(scope: Scope, tree: Call) -> list[Any]:
    values, one = _list(scope, tree, 2), _function(scope, tree, 1, 1, 2)
    return [one(value, at) for at, value in enumerate(values)]


@special("filter")
def _filter(scope: Scope, tree: Call) -> list[Any]:
    values, keep = _list(scope, tree, 2), _function(scope, tree, 1, 1, 2)
    return [value for at, value in enumerate(values) if _true(tree, keep(value, at))]


@special("sort")
def _sort(scope: Scope, tree: Call) -> list[Any]:
    values, before = _list(scope, tree, 2), _function(scope, tree, 1, 2)

    def compare(one: Any, other: Any) -> int:
        if _true(tree, before(one, other)):
            return -1
        return 1 if _true(tree, before(other, one)) else 0

    return sorted(values, key=cmp_to_key(compare))


@special("reduce")
def _reduce(scope: Scope, tree: Call) -> Any:
    values, fold = _list(scope, tree, 3), _function(scope, tree, 2, 2, 3)
    found = scope.evaluate(tree.arguments[1])
    for at, value in enumerate(values):
        found = fold(found, value, at)
    return found


@special("toObject")
def _to_object(scope: Scope, tree: Call) -> dict[str, Any]:
    values, key = _list(scope, tree, 2, 3), _function(scope, tree, 1, 1)
    value_of = _function(scope, tree, 2, 1) if len(tree.arguments) == 3 else None
    return {str(key(value)): value_of(value) if value_of else value for value in values}


@special("groupBy")
def _group_by(scope: Scope, tree: Call) -> dict[str, list[Any]]:
    values, key = _list(scope, tree, 2), _function(scope, tree, 1, 1)
    found: dict[str, list[Any]] = {}
    for value in values:
        found.setdefault(str(key(value)), []).append(value)
    return found


@special("mapValues")
def _map_values(scope: Scope, tree: Call) -> dict[str, Any]:
    values = scope.evaluate(tree.arguments[0]) if len(tree.arguments) == 2 else None
    if not isinstance(values, dict):
        raise refused(tree, "it takes an object and a lambda")
    one = _function(scope, tree, 1, 1)
    return {name: one(value) for name, value in values.items()}
