"""What an expression is evaluated in: parameters, variables, loops, and the cloud that functions ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.language.expressions import Call, Expression, Index, Literal, is_expression, parse
from trunkline_lab.azure.language.functions import FUNCTIONS


class Reference(Protocol):
    """What expressions ask the cloud while a template is deployed. Each raises ArmError when there is no answer."""

    def __call__(self, name: str, version: str | None, full: bool) -> Any:
        """reference(): a name, a symbol or an id, the API version if one was given, and whether all is wanted."""
        ...

    def many(self, symbol: str, full: bool) -> list[Any]:
        """references(): one answer for each resource that a loop made."""
        ...

    def listed(self, action: str, name: str) -> Any:
        """listKeys() and its like, of a name or an id."""
        ...

    def info(self, name: str) -> dict[str, Any]:
        """resourceInfo(): the id, name, type and API version of one of the template's resources."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a deployment runs: what resourceGroup(), subscription(), tenant() and deployment() answer.

    `group` is None for a deployment of a whole subscription.
    """

    group: dict[str, Any] | None
    subscription: dict[str, Any]
    deployment: dict[str, Any]

    @property
    def group_path(self) -> tuple[str, str]:
        """The subscription's id and the group's name, "" for a whole subscription."""
        return self.subscription["subscriptionId"], self.group["name"] if self.group else ""


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
        locals: The variables of lambdas by lower-case name.
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
    locals: Mapping[str, Any] = field(default_factory=dict)

    def looped(self, name: str, index: int) -> Scope:
        """The scope inside a copy loop of resources."""
        return replace(self, loops={**self.loops, name.lower(): index, "": index})

    def within(self, name: str, index: int) -> Scope:
        """The scope inside a copy loop of properties: without a name, copyIndex() still means the resource's loop."""
        return replace(self, loops={"": index, **self.loops, name.lower(): index})

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
        return [self.within(loop["name"], index).value(loop["input"]) for index in range(count)]

    def evaluate(self, tree: Expression) -> Any:
        """An expression's value. Raises ArmError (InvalidTemplate)."""
        if isinstance(tree, Literal):
            return tree.value
        if isinstance(tree, Index):
            target = self.evaluate(tree.target)
            return None if tree.safe and target is None else item(target, self.evaluate(tree.key), tree.safe)
        special = SPECIAL.get(tree.name)
        if special is not None:
            return special(self, tree)
        arguments = [self.evaluate(argument) for argument in tree.arguments]
        own = self.functions.get(tree.name)
        if own is not None:
            return self._own(tree, own, arguments)
        function = FUNCTIONS.get(tree.name)
        if function is None and tree.name.startswith("list") and len(tree.name) > 4:
            return self._list(tree, arguments)
        if function is None:
            raise invalid_template(
                f"The template function '{tree.spelling}' is not valid. "
                "Please see https://aka.ms/arm-functions for usage details"
            )
        if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
            raise refused(tree, _count(function.least, function.most, len(arguments)))
        try:
            return function.call(*arguments)
        except (ValueError, TypeError, AttributeError, IndexError) as unfit:
            raise refused(tree, str(unfit)) from None

    def _list(self, tree: Call, arguments: list[Any]) -> Any:
        """listKeys() and its like: one function for every resource type's own action."""
        if self.reference is None:
            raise invalid_template(f"The template function '{tree.spelling}' is not expected at this location")
        if not 2 <= len(arguments) <= 3:
            raise refused(tree, "it takes a resource, an API version and perhaps an object of values")
        return self.reference.listed(tree.spelling, str(arguments[0]))

    def _own(self, tree: Call, own: Mapping[str, Any], arguments: list[Any]) -> Any:
        """A call of the template's own function: it sees its parameters, and nothing else."""
        named = [parameter["name"].lower() for parameter in own.get("parameters", ())]
        if len(named) != len(arguments):
            raise refused(tree, _count(len(named), len(named), len(arguments)))
        inner = replace(self, parameters=dict(zip(named, arguments, strict=True)), variables={}, loops={}, locals={})
        return inner.value(own["output"]["value"])


COPY = "Please see https://aka.ms/arm-copy for usage details"


def loop_count(scope: Scope, loop: Mapping[str, Any]) -> int:
    """How often a copy loop runs. Raises ArmError when that is no whole number between 0 and 800."""
    count = scope.value(loop.get("count"))
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 800:
        raise invalid_template(
            "The template 'copy' definition has an invalid copy count. The copy count must be a non-negative integer "
            f"value and cannot exceed '800'. {COPY}"
        )
    return count


def _count(least: int, most: int | None, given: int) -> str:
    """A wrong number of arguments in ARM's words (KingslandConsulting/Kingsland.ArmLinter has them from Azure)."""
    wanted = f"at least {least}" if most is None else str(least) if least == most else f"{least} to {most}"
    return f"function requires {wanted} argument(s) while {given} were provided"


def refused(tree: Call, reason: str) -> ArmError:
    """A call that does not work, and why."""
    return invalid_template(
        f"Unable to evaluate template language function '{tree.spelling}': {reason}. "
        "Please see https://aka.ms/arm-functions for usage details"
    )


def item(target: Any, key: Any, safe: bool = False) -> Any:
    """A property, whatever its case, or an element; None in place of one that is not there, if `safe`.

    Raises ArmError.
    """
    if isinstance(target, dict) and isinstance(key, str):
        for name, value in target.items():
            if name.lower() == key.lower():
                return value
        if safe:
            return None
        raise invalid_template(
            f"The language expression property '{key}' doesn't exist, available properties are '{', '.join(target)}'"
        )
    if isinstance(target, list | str) and isinstance(key, int):
        if 0 <= key < len(target):
            return target[key]
        if safe:
            return None
        raise invalid_template(f"The language expression property array index '{key}' is out of bounds")
    raise invalid_template(f"The language expression property '{key}' can't be evaluated on {type(target).__name__}")


# The functions that see more than their arguments, by lower-case name; the modules beside this one fill it.
SPECIAL: dict[str, Callable[[Scope, Call], Any]] = {}


def special(*names: str) -> Callable[[Callable[[Scope, Call], Any]], Callable[[Scope, Call], Any]]:
    """Register a function under its names, with their case as Azure writes them."""

    def register(function: Callable[[Scope, Call], Any]) -> Callable[[Scope, Call], Any]:
        SPECIAL.update({name.lower(): function for name in names})
        return function

    return register
