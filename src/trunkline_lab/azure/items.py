"""A template's resources after their loops: each with its id, its condition and what its expressions see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trunkline_lab.azure import form
from trunkline_lab.azure.errors import ArmError, invalid_template, naming, processing
from trunkline_lab.azure.ids import GROUPS, ResourceId, same
from trunkline_lab.azure.language.expressions import Call, calls_in
from trunkline_lab.azure.language.scope import COPY, Place, Reference, Scope, loop_count
from trunkline_lab.azure.store import Document

DEPLOYMENTS = "Microsoft.Resources/deployments"
# Which type's right spelling goes with (type, API version); raises ArmError for an unknown one.
Known = Callable[[str, object], str]
_BODY = ("location", "tags", "sku", "zones", "plan", "kind", "identity")
# What is evaluated by itself: a nested deployment's own template, and its parameters' values beside it.
_OWN = ("template",)


@dataclass
class Item:
    """One resource to deploy, out of the template and its loops.

    Parameters:
        id: Its id.
        api_version: As the template gives it.
        raw: Its part of the template.
        scope: What its expressions are evaluated in.
        wanted: Its condition.
        symbol: Its symbolic name, with the index in a loop; "" where there is none.
        depends: The keys of the ids that must be there before it.
    """

    id: ResourceId
    api_version: str
    raw: Document
    scope: Scope
    wanted: bool
    symbol: str = ""
    depends: set[str] = field(default_factory=set)

    @property
    def nested(self) -> bool:
        """Whether it is a deployment of its own."""
        return same(self.id.type, DEPLOYMENTS)

    @property
    def existing(self) -> bool:
        """Whether it is only referred to, and not deployed."""
        return self.raw.get("existing") is True

    @property
    def inner(self) -> bool:
        """Whether a nested template is evaluated by itself; by default it sees its parent's parameters."""
        properties = self.raw.get("properties") or {}
        options = properties.get("expressionEvaluationOptions") or {}
        return "template" not in properties or str(options.get("scope", "outer")).lower() == "inner"

    def body(self, reference: Reference | None) -> Document:
        """The request's body, with every expression evaluated. Raises ArmError."""
        scope = replace(self.scope, reference=reference)
        with processing(self.id):
            return {name: scope.value(self.raw[name]) for name in (*_BODY, "properties") if name in self.raw}

    def settings(self, reference: Reference | None) -> Document:
        """A nested deployment's properties, its template left as it is. Raises ArmError."""
        properties = self.raw.get("properties") or {}
        scope = replace(self.scope, reference=reference)
        with processing(self.id):
            return {name: value if name in _OWN else scope.value(value) for name, value in properties.items()}

    def asks(self) -> bool:
        """Whether its body waits for what the cloud answers."""
        return any(_asking(call) for call in calls_in(self._evaluated()))

    def _evaluated(self) -> Document:
        """The parts of it that are evaluated when its turn comes."""
        parts = {name: self.raw[name] for name in (*_BODY, "properties") if name in self.raw}
        if self.nested and self.inner and "properties" in parts:
            parts["properties"] = {name: part for name, part in parts["properties"].items() if name not in _OWN}
        return parts

    def references(self) -> Iterator[str]:
        """What its calls of the cloud name, as far as that can be told before anything runs."""
        for call in calls_in(self._evaluated()):
            if _asking(call) and call.arguments:
                try:
                    yield str(self.scope.evaluate(call.arguments[0]))
                except ArmError:
                    continue


def _asking(call: Call) -> bool:
    """Whether a call asks the cloud."""
    return call.name in ("reference", "references") or (call.name.startswith("list") and len(call.name) > 4)


def read_items(source: Document, scope: Scope, place: Place, known: Known) -> tuple[list[Item], Mapping[str, set[str]]]:
    """All resources after their loops, and the keys that each loop made, by its name and symbol. Raises ArmError."""
    items: list[Item] = []
    loops: dict[str, set[str]] = {}
    for symbol, raw, around in form.resources(source):
        own = raw.get("copy")
        # What stands in a resource with copy is made once with each copy of it, and sees the same index.
        loop = around if own is None else own
        with naming(f"The template resource '{raw['name']}'"):
            if loop is None:
                items.append(_item(raw, scope, place, known, symbol))
                continue
            name, count, batch = _loop(scope, loop)
            made: list[Item] = []
            for index in range(count):
                item = _item(raw, scope.looped(name, index), place, known, symbol and f"{symbol}[{index}]")
                if batch and own is not None:
                    item.depends |= {other.id.key for other in made[: index // batch * batch]}
                made.append(item)
        items += made
        for title in filter(None, (name if own is not None else "", symbol)):
            loops[title.lower()] = {item.id.key for item in made}
    _refuse_twice(items)
    return items, loops


def _refuse_twice(items: list[Item]) -> None:
    """Raise ArmError when two resources that are deployed have one id."""
    seen: set[str] = set()
    for item in items:
        if item.existing or not item.wanted:
            continue
        if item.id.key in seen:
            raise invalid_template(
                f"The resource '{item.id}' is defined multiple times in a template. "
                "Please see https://aka.ms/arm-syntax-resources for usage details"
            )
        seen.add(item.id.key)


def _loop(scope: Scope, loop: Mapping[str, Any]) -> tuple[str, int, int]:
    """A loop's name, how often it runs, and how many are made at a time: 0 for all at once. Raises ArmError."""
    name, mode = scope.value(loop.get("name")), str(loop.get("mode", "parallel")).lower()
    if not isinstance(name, str) or not name:
        raise invalid_template(f"The template 'copy' definition needs a name. {COPY}")
    if mode not in ("parallel", "serial"):
        raise invalid_template(f"The template 'copy' definition '{name}' has the mode '{mode}': parallel or serial")
    count, size = loop_count(scope, loop), scope.value(loop.get("batchSize", 1))
    # Azure says so of a size above the count, too (MicrosoftDocs/azure-docs#62948).
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= max(count, 1):
        raise invalid_template(
            "The template 'copy' definition has an invalid copy batch size. The copy batch size must be a "
            f"non-negative integer value and cannot exceed the copy count '{count}'. {COPY}"
        )
    return name, count, size if mode == "serial" else 0


def _item(raw: Document, scope: Scope, place: Place, known: Known, symbol: str) -> Item:
    """One resource: its id and its condition. Raises ArmError."""
    condition = scope.value(raw.get("condition", True))
    if not isinstance(condition, bool):
        raise invalid_template("Its condition is neither true nor false")
    names = scope.value(raw["name"])
    if not isinstance(names, str) or not names:
        raise invalid_template(f"The name '{raw['name']}' of a template resource is not a text")
    type_, version = scope.value(raw["type"]), scope.value(raw["apiVersion"])
    types, parts = type_.split("/"), names.split("/")
    if len(types) - 1 != len(parts):
        raise invalid_template(
            f"The template resource '{names}' for type '{type_}' has incorrect segment lengths. A nested resource type "
            "must have identical number of segments as its resource name. A root resource type must have segment "
            "length one greater than its resource name. Please see https://aka.ms/arm-template/#resources"
        )
    id_ = _id(raw, scope, place, types, parts, lambda kind: known(kind, version))
    return Item(id_, version, raw, scope, condition, symbol)


def _id(
    raw: Document, scope: Scope, place: Place, types: list[str], names: list[str], known: Callable[[str], str]
) -> ResourceId:
    """The id of a resource by its type, its name and the place that it names. Raises ArmError."""
    subscription, group = place.group_path
    within = ""
    if "providers" in (type_.lower() for type_ in types):
        # The older form of an extension resource: "Microsoft.Network/virtualNetworks/providers/roleAssignments".
        at = [type_.lower() for type_ in types].index("providers")
        within = str(ResourceId(subscription, group, types[0], tuple(types[1:at]), tuple(names[: at - 1])))
        types, names = [names[at - 1], *types[at + 1 :]], names[at:]
    namespace, *kinds = known("/".join(types)).split("/")
    nested = same(f"{namespace}/{'/'.join(kinds)}", DEPLOYMENTS)
    if raw.get("subscriptionId"):
        subscription, group = str(scope.value(raw["subscriptionId"])), "" if nested else group
    if raw.get("resourceGroup"):
        group = str(scope.value(raw["resourceGroup"]))
    if raw.get("scope"):
        subscription, group, within = _scoped(str(scope.value(raw["scope"])), subscription, group, nested)
    _refuse_misplaced(f"{namespace}/{'/'.join(kinds)}", bool(group), nested)
    return ResourceId(subscription, group, namespace, tuple(kinds), tuple(names), within)


def _scoped(scope: str, subscription: str, group: str, nested: bool) -> tuple[str, str, str]:
    """Subscription, group and owner that a resource's `scope` means. Raises ArmError."""
    if scope == "/" or scope.lower().startswith(("tenant", "microsoft.management/", "/providers/")):
        raise invalid_template(
            f"The scope '{scope}' is a tenant's or a management group's; the lab's Azure has neither"
        )
    if not scope.startswith("/"):
        place = f"/subscriptions/{subscription}" + (f"/resourceGroups/{group}" if group else "")
        scope = f"{place}/providers/{scope}"
    parts = scope.strip("/").split("/")
    if len(parts) == 2:
        return parts[1], "", ""
    owner = ResourceId.parse(scope)
    if owner.is_group:
        return owner.subscription, owner.name, ""
    if nested:
        raise invalid_template(f"The scope '{scope}' of a nested deployment is a subscription or a resource group")
    return owner.subscription, owner.group, str(owner)


_ANYWHERE = {"microsoft.resources/deployments", "microsoft.authorization/roleassignments"}


def _refuse_misplaced(type_: str, in_group: bool, nested: bool) -> None:
    """Raise ArmError for a type that is not made at this scope."""
    if type_.lower() in _ANYWHERE:
        return
    if in_group == same(type_, GROUPS):
        wanted, there = ("subscription", "resource group") if in_group else ("resource group", "subscription")
        raise invalid_template(
            f"The template resource of type '{type_}' is made at the scope of a {wanted}, and this deployment is at "
            f"the scope of a {there}. Please see https://aka.ms/arm-deployment-scopes for usage details"
        )
