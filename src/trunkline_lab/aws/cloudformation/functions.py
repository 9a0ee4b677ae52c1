"""The template language's functions: an expression in, its value out."""

from __future__ import annotations

import base64
import ipaddress
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline_lab.aws.cloudformation.errors import NoExport, invalid
from trunkline_lab.aws.cloudformation.language import VARIABLE, Template, references, unresolved
from trunkline_lab.aws.cloudformation.values import UNKNOWN, Unknown, text

_NO_VALUE: Final = object()


@dataclass(frozen=True)
class Thing:
    """What a template may ask of a resource: its physical id (Ref) and its attributes (Fn::GetAtt)."""

    physical: str | Unknown
    attributes: Mapping[str, Any] | Unknown


@dataclass
class Scope:
    """Everything that expressions of one template may refer to.

    Parameters:
        template: Whose expressions are evaluated.
        parameters: Values by name, text or lists of text.
        pseudo: Pseudo parameters by name; AWS::NoValue needs no entry.
        things: The resources that are there by now.
        exports: Gives an export's value by name, None when there is none.
        zones: Gives the availability zones of a region.
    """

    template: Template
    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    things: Mapping[str, Thing]
    exports: Callable[[str], str | None]
    zones: Callable[[str], list[str]]
    imported: set[str] = field(default_factory=set)
    _asking: list[str] = field(default_factory=list)

    def value(self, node: Any) -> Any:
        """Evaluate an expression; members that are AWS::NoValue vanish.

        Raises Refused where CloudFormation finds a template error.
        """
        found = self._value(node)
        return None if found is _NO_VALUE else found

    def holds(self, condition: str) -> bool:
        """Whether a named condition is true."""
        if not isinstance(condition, str) or condition not in self.template.conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {condition}")
        if condition in self._asking:
            raise invalid(f"Template format error: Circular dependency between conditions: [{condition}]")
        self._asking.append(condition)
        try:
            return bool(self._value(self.template.conditions[condition]))
        finally:
            self._asking.pop()

    def wanted(self) -> list[str]:
        """The resources whose conditions hold, in the template's order."""
        resources = self.template.resources.values()
        return [each.name for each in resources if each.condition is None or self.holds(each.condition)]

    def taken(self) -> Iterator[tuple[str, str]]:
        """Every name that the wanted resources and outputs refer to, with its block; untaken branches do not count."""
        for name in self.wanted():
            resource = self.template.resources[name]
            yield from ((target, "Resources") for target, _ in references(self._branch(dict(resource.properties))))
        for output in self.template.outputs.values():
            if "Condition" not in output or self.holds(output["Condition"]):
                yield from ((target, "Outputs") for target, _ in references(self._branch(dict(output))))

    def check_imports(self) -> None:
        """Refuse what imports an export that nobody has: before anything is made, as CloudFormation does."""
        for argument in _arguments("Fn::ImportValue", self._taken()):
            self._import(argument)

    def check_mappings(self) -> None:
        """Refuse what looks up a key that its mapping has not: that needs no resource to be seen."""
        for argument in _arguments("Fn::FindInMap", self._taken()):
            self._find_in_map(argument)

    def _taken(self) -> list[Any]:
        """The properties and outputs that there will be, without branches that are not taken."""
        outputs = self.template.outputs.values()
        made: list[Mapping[str, Any]] = [self.template.resources[name].properties for name in self.wanted()]
        made += [each for each in outputs if "Condition" not in each or self.holds(each["Condition"])]
        return [self._branch(dict(each)) for each in made]

    def _branch(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._branch(item) for item in node]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::If"}:
            condition, yes, no = node["Fn::If"]
            return self._branch(yes if self.holds(condition) else no)
        return {key: self._branch(value) for key, value in node.items()}

    def _value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [found for item in node if (found := self._value(item)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            function = self._function(name)
            # A policy's statement has a member named Condition, too.
            if function and (name != "Condition" or isinstance(argument, str)):
                return self._call(name, function, argument)
            if name.startswith("Fn::"):
                raise invalid(f"Template error: the function {name} is not known")
        return {key: found for key, item in node.items() if (found := self._value(item)) is not _NO_VALUE}

    def _function(self, name: str) -> Callable[[Any, Any], Any] | None:
        return _FUNCTIONS.get(name)

    def _call(self, name: str, function: Callable[[Scope, Any], Any], argument: Any) -> Any:
        try:
            return function(self, argument)
        except (TypeError, ValueError, LookupError, AttributeError):
            raise invalid(f"Template error: {name} cannot take {argument!r}") from None

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        for known in (self.parameters, self.pseudo):
            if name in known:
                return known[name]
        if name in self.things:
            return self.things[name].physical
        raise unresolved(name, "Resources")

    def _get_att(self, argument: Any) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2:
            raise invalid("Template error: every Fn::GetAtt object requires two non-empty parameters")
        name, attribute = parts[0], self._value(parts[1])
        if name not in self.things:
            raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
        attributes = self.things[name].attributes
        if isinstance(attributes, Unknown):
            return UNKNOWN
        if attribute not in attributes:
            raise invalid(f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt")
        found = attributes[attribute]
        return found() if callable(found) else found

    def _sub(self, argument: Any) -> Any:
        pattern, values = (argument, {}) if isinstance(argument, str) else (argument[0], self._value(argument[1]))
        found: dict[str, Any] = {}
        for name in VARIABLE.findall(pattern):
            key = name.strip()
            found[name] = values[key] if key in values else self._ref(key) if "." not in key else self._get_att(key)
        if any(isinstance(value, Unknown) for value in found.values()):
            return UNKNOWN
        return VARIABLE.sub(lambda match: text(found[match[1]]), pattern).replace("${!", "${")

    def _join(self, argument: Any) -> Any:
        separator, parts = self._arguments("Fn::Join", argument, 2)
        if isinstance(parts, Unknown) or any(isinstance(part, Unknown) for part in parts):
            return UNKNOWN
        return str(separator).join(text(part) for part in parts)

    def _split(self, argument: Any) -> Any:
        separator, whole = self._arguments("Fn::Split", argument, 2)
        return UNKNOWN if isinstance(whole, Unknown) else str(whole).split(str(separator))

    def _select(self, argument: Any) -> Any:
        index, options = self._arguments("Fn::Select", argument, 2)
        if isinstance(options, Unknown):
            return UNKNOWN
        try:
            return options[int(index)]
        except (IndexError, ValueError, TypeError):
            raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}") from None

    def _find_in_map(self, argument: Any) -> Any:
        path = self._arguments("Fn::FindInMap", argument, 3)
        found: Any = self.template.mappings
        for key in path:
            if not isinstance(found, dict) or str(key) not in found:
                raise invalid(f"Template error: Unable to get mapping for {'::'.join(map(str, path))}")
            found = found[str(key)]
        return self._value(found)

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            raise invalid("Template error: Fn::If requires a list argument with three elements")
        return self._value(argument[1] if self.holds(argument[0]) else argument[2])

    def _equals(self, argument: Any) -> bool:
        left, right = self._arguments("Fn::Equals", argument, 2)
        return text(left) == text(right)

    def _get_azs(self, argument: Any) -> list[str]:
        return self.zones(str(self._value(argument) or self.pseudo["AWS::Region"]))

    def _cidr(self, argument: Any) -> Any:
        block, count, *bits = self._value(argument)
        if any(isinstance(each, Unknown) for each in (block, count, *bits)):
            return UNKNOWN
        try:
            network, wanted, width = ipaddress.ip_network(str(block), strict=False), int(count), int(*bits or "8")
        except ValueError as error:
            raise invalid(f"Template error: Fn::Cidr cannot divide {block}: {error}") from None
        if not 1 <= wanted <= 256:
            raise invalid(f"Template error: Fn::Cidr cannot give {wanted} blocks: the count is between 1 and 256")
        room = network.max_prefixlen - network.prefixlen
        if not 1 <= width <= room or wanted > 2 ** (room - width):
            raise invalid(f"Template error: Fn::Cidr cannot divide {block} into {wanted} blocks of {width} bits each")
        parts = network.subnets(new_prefix=network.max_prefixlen - width)
        return [str(part) for part in itertools.islice(parts, wanted)]

    def _base64(self, argument: Any) -> Any:
        plain = self._value(argument)
        return UNKNOWN if isinstance(plain, Unknown) else base64.b64encode(text(plain).encode()).decode()

    def _import(self, argument: Any) -> str:
        name = str(self._value(argument))
        value = self.exports(name)
        if value is None:
            raise NoExport(name)
        self.imported.add(name)
        return value

    def _arguments(self, function: str, argument: Any, count: int) -> list[Any]:
        found = self._value(argument)
        if not isinstance(found, list) or len(found) != count:
            raise invalid(f"Template error: {function} requires a list argument with {count} elements")
        return found


def _arguments(function: str, node: Any) -> Iterator[Any]:
    """What every call of a function inside is called with."""
    if isinstance(node, list):
        for item in node:
            yield from _arguments(function, item)
    elif isinstance(node, dict):
        for name, inner in node.items():
            yield from [inner] if name == function else _arguments(function, inner)


_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "Ref": Scope._ref,
    "Condition": lambda scope, name: scope.holds(name),
    "Fn::GetAtt": Scope._get_att,
    "Fn::Sub": Scope._sub,
    "Fn::Join": Scope._join,
    "Fn::Split": Scope._split,
    "Fn::Select": Scope._select,
    "Fn::FindInMap": Scope._find_in_map,
    "Fn::If": Scope._if,
    "Fn::Equals": Scope._equals,
    "Fn::And": lambda scope, parts: all(scope._value(part) for part in parts),
    "Fn::Or": lambda scope, parts: any(scope._value(part) for part in parts),
    "Fn::Not": lambda scope, parts: not scope._value(parts[0]),
    "Fn::GetAZs": Scope._get_azs,
    "Fn::Cidr": Scope._cidr,
    "Fn::Base64": Scope._base64,
    "Fn::ImportValue": Scope._import,
}
