"""check: the wiring of a pipe, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from trunkline._core.errors import WiringError
from trunkline._core.fields import Field
from trunkline._core.state import checked_data
from trunkline._core.steps import During, Each, Group, Leaf, Node, Step, Steps, nodes


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: `level` "error" stops a run, "warning" does not; `path` is the step's, "data" for the data."""

    level: Literal["error", "warning"]
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {self.path}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def check(steps: Steps, data: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Look at the wiring of a pipe without running any of it.

    Finds: keys that a step needs and nothing before it gives (an error; a warning when a step before it does not
    say what it gives), a key that two steps give, values in data that do not parse as what a step needs (addresses,
    CIDRs, allowed values), and keys of data that no step uses.

    Parameters:
        steps: As for pipe.
        data: As for pipe.

    Returns:
        The problems found, in the order of the steps; empty when all is well.

    Raises:
        Misuse: the steps or the data are written wrongly.
    """
    return tuple(_Check(checked_data(data)).whole(nodes(steps)))


def refuse(problems: tuple[Problem, ...]) -> None:
    """Raise WiringError when there is an error among the problems."""
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        lines = "\n".join(f"  {problem}" for problem in errors)
        raise WiringError(problems, f"{len(errors)} errors in the wiring:\n{lines}")


class _Check:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data, self.problems, self.used, self.opaque_to = data, list[Problem](), set[str](), ""
        self.judged: set[tuple[str, str]] = set()

    def whole(self, steps: Steps) -> list[Problem]:
        opaque = self.steps(steps, "", dict.fromkeys(self.data, "data"), None)[1]
        if opaque is None and not self.opaque_to:
            for key in self.data:
                if key not in self.used:
                    self.warn("data", f"no step uses the key {key!r}")
        return self.problems

    def steps(
        self, steps: Steps, prefix: str, known: dict[str, str], opaque: str | None
    ) -> tuple[dict[str, str], str | None]:
        """Check steps one after the other: what is known after them, and the last step that hides what it gives."""
        for node in nodes(steps):
            given, hides = self.node(node, prefix + node.name, known, opaque)
            known = {**known, **given}
            opaque = hides or opaque
        return known, opaque

    def node(
        self, node: Node, path: str, known: dict[str, str], opaque: str | None
    ) -> tuple[dict[str, str], str | None]:
        """What a node gives (key: giver) and the path of a step in it that does not say what it gives."""
        if isinstance(node, Leaf):
            return self.leaf(node.step, path, known, opaque)
        if isinstance(node, Group):
            return self.group(node, path, known, opaque)
        if isinstance(node, During):
            opened, hides = self.leaf(node.opening, f"{path}#open", known, opaque)
            inner = {**known, **opened}
            after, inside = self.steps(node.steps, f"{path}/", inner, hides or opaque)
            self.leaf(node.closing, f"{path}#close", inner, hides or opaque)
            given = {key: giver for key, giver in after.items() if inner.get(key) != giver}
            return given, inside if inside != opaque and inside != hides else None
        if isinstance(node, Each):
            if isinstance(node.over, str):
                self.need(node.over, Field(), path, known, opaque)
            self.steps(node.steps, f"{path}[]/", {**known, "item": path}, opaque)
            return {node.name: path}, None
        after, inside = self.steps(node.parts(), f"{path}/", known, opaque)
        return {key: giver for key, giver in after.items() if known.get(key) != giver}, inside

    def leaf(
        self, step: Step, path: str, known: dict[str, str], opaque: str | None
    ) -> tuple[dict[str, str], str | None]:
        for key, field in (step.needs or {}).items():
            self.need(key, field, path, known, opaque)
        if step.needs is None:
            self.opaque_to = path
        for key in step.gives or {}:
            giver = known.get(key)
            if giver is not None and key not in (step.needs or {}):
                self.add(
                    "warning" if giver == "data" else "error",
                    path,
                    f"gives the key {key!r}, which {giver} gives too",
                    "one of them needs another name for it",
                )
        return dict.fromkeys(step.gives or {}, path), path if step.gives is None else None

    def group(
        self, node: Group, path: str, known: dict[str, str], opaque: str | None
    ) -> tuple[dict[str, str], str | None]:
        together: dict[str, str] = {}
        hides = None
        for member in node.members:
            given, hidden = self.node(member, f"{path}/{member.name}", known, opaque)
            for key in given.keys() & together.keys():
                message = f"gives the key {key!r}, which {together[key]} gives beside it"
                self.add("error", f"{path}/{member.name}", message)
            together.update(given)
            hides = hidden or hides
        return together, hides

    def need(self, key: str, field: Field, path: str, known: dict[str, str], opaque: str | None) -> None:
        if key not in known:
            if field.required and opaque is not None:
                self.warn(path, f"needs the key {key!r}; only {opaque} can give it, and does not say so")
            elif field.required:
                near = get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else ""
                self.add("error", path, f"needs the key {key!r}, which nothing gives", hint)
            return
        self.used.add(key)
        if known[key] == "data" and (key, path) not in self.judged:
            self.judged.add((key, path))
            if (wrong := judged(self.data[key], field)) is not None:
                shown = "its value (secret)" if field.secret else repr(self.data[key])
                self.add("error", path, f"needs {key!r}, but {shown} {wrong}")

    def add(self, level: Literal["error", "warning"], path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(level, path, message, hint))

    def warn(self, path: str, message: str) -> None:
        self.add("warning", path, message)


def judged(value: Any, field: Field) -> str | None:
    """Why `value` does not fit `field`, as the end of a sentence; None when it fits."""
    if field.allowed and value not in field.allowed:
        return f"is none of {', '.join(map(str, field.allowed))}"
    if field.pattern is not None and not re.fullmatch(field.pattern, str(value)):
        return f"does not match {field.pattern}"
    if field.kind in ("cidr", "address"):
        return _unparsed(value, field.kind)
    if field.kind in ("cidrs", "addresses"):
        if not isinstance(value, (list, tuple)):
            return "is no list"
        one = "cidr" if field.kind == "cidrs" else "address"
        return next((f"holds {item!r}, which {why}" for item in value if (why := _unparsed(item, one))), None)
    types: dict[str, type | tuple[type, ...]] = {
        "str": str, "int": int, "number": (int, float), "bool": bool, "list": (list, tuple), "dict": dict,
    }  # fmt: skip
    wanted = types.get(field.kind)
    if wanted is None or (isinstance(value, wanted) and (field.kind == "bool" or not isinstance(value, bool))):
        return None
    return f"is of type {type(value).__name__}, not {field.kind}"


def _unparsed(value: Any, kind: str) -> str | None:
    import ipaddress

    try:
        if not isinstance(value, str):
            return f"is of type {type(value).__name__}, not text"
        ipaddress.ip_network(value) if kind == "cidr" else ipaddress.ip_address(value)
    except ValueError as error:
        return f"is no {'CIDR' if kind == 'cidr' else 'address'}: {error}"
    return None
