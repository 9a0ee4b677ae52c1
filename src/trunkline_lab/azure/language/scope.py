"""What an expression is evaluated in: parameters, variables, loops, and the cloud that functions ask."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.language.expressions import Call, Expression, Index, Literal, is_expression, parse
from trunkline_lab.azure.language.functions import FUNCTIONS, text

# What reference() asks: a name or an id, the API version if one was given, and whether for the full resource.
Reference = Callable[[str, str | None, bool], Any]


@dataclass(frozen=True)
class Place:
    """Where a deployment runs: what resourceGroup(), subscription(), tenant() and deployment() answer."""

    group: dict[str, Any]
    subscription: dict[str, Any]
    deployment: dict[str, Any]

    @property
    def group_path(self) -> tuple[str, str]:
        """The subscription's id and the group's name."""
        return self.subscription["subscriptionId"], self.group["name"]


@dataclass(frozen=True)
class VariableLoop:
    """A variable that a copy loop makes: `loop` has name, count and input."""

    loop: Mapping[str, Any]


@dataclass(frozen=True)
class Scope:
    """One evaluation's surroundings.

    Parameters:
        place: Where the deployment runs.
        parameters: Values by lower-case name.
        variables: The template's own, not evaluated yet, by lower-case name.
        functions: The template's own functions by lower-case "namespace.name".
        loops: The index of each copy loop by lower-case name; "" is the innermost one.
        reference: Answers reference(); None where a template must not ask.
        secrets: The lower-case names of the parameters whose values no answer may show.
        lenient: Whether an expression that asks for what is not there yet is left as it stands (what-if).
        defaults: Whether this is a parameter's default value, the one place for newGuid() and utcNow().
    """

    place: Place
    parameters: Mapping[str, Any]
    variables: Mapping[str, Any]
    functions: Mapping[str, Any] = field(default_factory=dict)
    loops: Mapping[str, int] = field(default_factory=dict)
    reference: Reference | None = None
    secrets: frozenset[str] = frozenset()
    lenient: bool = False
    defaults: bool = False

    def looped(self, name: str, index: int) -> Scope:
        """The scope inside a copy loop."""
        return replace(self, loops={**self.loops, name.lower(): index, "": index})

    def value(self, node: Any) -> Any:
        """A part of a template with every expression evaluated. Raises ArmError (InvalidTemplate)."""
        if isinstance(node, VariableLoop):
            return self._loop(node.loop)
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if isinstance(node, dict):
            return self._object(node)
        if is_expression(node):
            return self._expression(node)
        return node[1:] if isinstance(node, str) and node.startswith("[[") else node

    def _expression(self, node: str) -> Any:
        """The value of an expression; the expression itself where that is allowed and it cannot be known yet."""
        try:
            return self.evaluate(parse(node))
        except ArmError as unknown:
            if self.lenient and unknown.code in ("ResourceNotFound", "NotFound", "ResourceGroupNotFound"):
                return node
            raise

    def _object(self, node: dict[str, Any]) -> dict[str, Any]:
        """An object; `copy` in it makes properties that are arrays."""
        made: dict[str, Any] = {}
        for name, item in node.items():
            if name == "copy" and isinstance(item, list):
                made |= {loop["name"]: self._loop(loop) for loop in item}
            else:
                made[self.value(name) if is_expression(name) else name] = self.value(item)
        return made

    def _loop(self, loop: Any) -> list[Any]:
        """The values of one property loop."""
        if not isinstance(loop, dict) or not {"name", "count", "input"} <= set(loop):
            raise invalid_template("A copy loop of properties has name, count and input")
        count = loop_count(self, loop)
        return [self.looped(loop["name"], index).value(loop["input"]) for index in range(count)]

    def evaluate(self, tree: Expression) -> Any:
        """An expression's value. Raises ArmError (InvalidTemplate)."""
        if isinstance(tree, Literal):
            return tree.value
        if isinstance(tree, Index):
            return _item(self.evaluate(tree.target), self.evaluate(tree.key))
        special = _SPECIAL.get(tree.name)
        if special is not None:
            return special(self, tree)
        arguments = [self.evaluate(argument) for argument in tree.arguments]
        own = self.functions.get(tree.name)
        if own is not None:
            return self._own(tree, own, arguments)
        function = FUNCTIONS.get(tree.name)
        if function is None:
            raise invalid_template(
                f"The template function '{tree.spelling}' is not valid. "
                "Please see https://aka.ms/arm-functions for usage details"
            )
        if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
            raise _refused(tree, f"it does not take {len(arguments)} arguments")
        try:
            return function.call(*arguments)
        except (ValueError, TypeError, AttributeError, IndexError) as unfit:
            raise _refused(tree, str(unfit)) from None

    def _own(self, tree: Call, own: Mapping[str, Any], arguments: list[Any]) -> Any:
        """A call of the template's own function: it sees its parameters, and nothing else."""
        named = [parameter["name"].lower() for parameter in own.get("parameters", ())]
        if len(named) != len(arguments):
            raise _refused(tree, f"it takes {len(named)} arguments")
        inner = replace(self, parameters=dict(zip(named, arguments, strict=True)), variables={}, functions={}, loops={})
        return inner.value(own["output"]["value"])


def loop_count(scope: Scope, loop: Mapping[str, Any]) -> int:
    """How often a copy loop runs. Raises ArmError when that is no whole number between 0 and 800."""
    count = scope.value(loop.get("count"))
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 800:
        raise invalid_template(f"The copy loop '{loop.get('name')}' has the count {count}; 0 to 800 are possible")
    return count


def _refused(tree: Call, reason: str) -> ArmError:
    return invalid_template(
        f"Unable to evaluate the template language function '{tree.spelling}': {reason}. "
        "Please see https://aka.ms/arm-functions for usage details"
    )


def _item(target: Any, key: Any) -> Any:
    """A property, whatever its case, or an element. Raises ArmError."""
    if isinstance(target, dict) and isinstance(key, str):
        for name, value in target.items():
            if name.lower() == key.lower():
                return value
        raise invalid_template(
            f"The language expression property '{key}' doesn't exist, available properties are '{', '.join(target)}'"
        )
    if isinstance(target, list | str) and isinstance(key, int):
        if 0 <= key < len(target):
            return target[key]
        raise invalid_template(f"The language expression property array index '{key}' is out of bounds")
    raise invalid_template(f"The language expression property '{key}' can't be evaluated on {type(target).__name__}")


def _one(scope: Scope, tree: Call) -> str:
    """The one text that a call was given."""
    if len(tree.arguments) != 1:
        raise _refused(tree, "it takes one argument")
    value = scope.evaluate(tree.arguments[0])
    if not isinstance(value, str):
        raise _refused(tree, "its argument is a text")
    return value


def _parameters(scope: Scope, tree: Call) -> Any:
    name = _one(scope, tree)
    if name.lower() not in scope.parameters:
        raise invalid_template(f"The template parameter '{name}' is not found. Please see https://aka.ms/arm-syntax")
    return scope.parameters[name.lower()]


def _variables(scope: Scope, tree: Call) -> Any:
    name = _one(scope, tree)
    if name.lower() not in scope.variables:
        raise invalid_template(f"The template variable '{name}' is not found. Please see https://aka.ms/arm-syntax")
    rest = {key: value for key, value in scope.variables.items() if key != name.lower()}
    # Without itself, a variable that leads back to itself ends in "not found" instead of going round forever.
    return replace(scope, variables=rest, reference=None).value(scope.variables[name.lower()])


def _if(scope: Scope, tree: Call) -> Any:
    """Only the branch that is chosen is evaluated."""
    if len(tree.arguments) != 3:
        raise _refused(tree, "it takes three arguments")
    condition = scope.evaluate(tree.arguments[0])
    if not isinstance(condition, bool):
        raise _refused(tree, "its condition is true or false")
    return scope.evaluate(tree.arguments[1 if condition else 2])


def _and(scope: Scope, tree: Call) -> bool:
    return all(FUNCTIONS["bool"].call(scope.evaluate(argument)) for argument in tree.arguments)


def _or(scope: Scope, tree: Call) -> bool:
    return any(FUNCTIONS["bool"].call(scope.evaluate(argument)) for argument in tree.arguments)


def _coalesce(scope: Scope, tree: Call) -> Any:
    values = (scope.evaluate(argument) for argument in tree.arguments)
    return next((value for value in values if value is not None), None)


def _copy_index(scope: Scope, tree: Call) -> int:
    arguments = [scope.evaluate(argument) for argument in tree.arguments]
    name = str(arguments.pop(0)).lower() if arguments and isinstance(arguments[0], str) else ""
    if name not in scope.loops:
        raise invalid_template("The template function 'copyIndex' is not expected at this location")
    return scope.loops[name] + (int(arguments[0]) if arguments else 0)


def _resource_id(scope: Scope, tree: Call) -> str:
    """resourceId([subscription], [group], type, name...): the names are as many as the type has levels."""
    parts = [text(scope.evaluate(argument)) for argument in tree.arguments]
    at = next((at for at, part in enumerate(parts) if "/" in part), None)
    if at is None or at > 2:
        raise _refused(tree, "a fully qualified resource type such as 'Microsoft.Network/virtualNetworks' was expected")
    namespace, *types = parts[at].split("/")
    names = [name for part in parts[at + 1 :] for name in part.split("/")]
    if len(names) != len(types):
        raise _refused(
            tree, f"the type '{parts[at]}' has {len(types)} levels and needs as many names, not {len(names)}"
        )
    subscription, group = scope.place.group_path
    group = parts[at - 1] if at else group
    subscription = parts[0] if at == 2 else subscription
    return str(ResourceId(subscription, group, namespace, tuple(types), tuple(names)))


def _subscription_resource_id(scope: Scope, tree: Call) -> str:
    parts = [text(scope.evaluate(argument)) for argument in tree.arguments]
    at = next((at for at, part in enumerate(parts) if "/" in part), 2)
    if at > 1:
        raise _refused(tree, "a fully qualified resource type was expected")
    namespace, *types = parts[at].split("/")
    names = parts[at + 1 :]
    if len(names) != len(types):
        raise _refused(tree, f"the type '{parts[at]}' needs {len(types)} names, not {len(names)}")
    pairs = "/".join(f"{type_}/{name}" for type_, name in zip(types, names, strict=True))
    owner = parts[0] if at else scope.place.group_path[0]
    return f"/subscriptions/{owner}/providers/{namespace}/{pairs}"


def _reference(scope: Scope, tree: Call) -> Any:
    """reference(name or id, [apiVersion], ['Full'])."""
    if scope.reference is None:
        raise invalid_template("The template function 'reference' is not expected at this location")
    if not 1 <= len(tree.arguments) <= 3:
        raise _refused(tree, "it takes one to three arguments")
    values = [scope.evaluate(argument) for argument in tree.arguments]
    full = len(values) == 3 and str(values[2]).lower() == "full"
    return scope.reference(str(values[0]), str(values[1]) if len(values) > 1 else None, full)


def _default_only(scope: Scope, tree: Call) -> None:
    if not scope.defaults:
        raise invalid_template(f"The template function '{tree.spelling}' is not expected at this location")


def _new_guid(scope: Scope, tree: Call) -> str:
    _default_only(scope, tree)
    return str(uuid.uuid4())


def _utc_now(scope: Scope, tree: Call) -> str:
    _default_only(scope, tree)
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


_SPECIAL: Mapping[str, Callable[[Scope, Call], Any]] = {
    "and": _and,
    "coalesce": _coalesce,
    "copyindex": _copy_index,
    "deployment": lambda scope, tree: scope.place.deployment,
    "if": _if,
    "newguid": _new_guid,
    "or": _or,
    "parameters": _parameters,
    "reference": _reference,
    "resourcegroup": lambda scope, tree: scope.place.group,
    "resourceid": _resource_id,
    "subscription": lambda scope, tree: scope.place.subscription,
    "subscriptionresourceid": _subscription_resource_id,
    "tenant": lambda scope, tree: {"tenantId": scope.place.subscription["tenantId"]},
    "utcnow": _utc_now,
    "variables": _variables,
}
