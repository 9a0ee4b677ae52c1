"""`trunkline check` and `trunkline graph`: what can be said of a pipeline before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trunkline._core.events import Outline
from trunkline._core.steps import outline
from trunkline._core.wiring import check as check_wiring
from trunkline.cli import say
from trunkline.cli.command import Call
from trunkline.cli.exits import Exit


def check(call: Call) -> int:
    """Check the wiring; FAILED when it has errors."""
    say.plain_warnings()
    problems = check_wiring(*call.build())
    errors = [problem for problem in problems if problem.level == "error"]
    if call.common["json"]:
        listed = [
            {"level": each.level, "path": each.path, "message": each.message, "hint": each.hint or None}
            for each in problems
        ]
        say.result({"version": "1.0", "run": call.run, "ok": not errors, "problems": listed})
    else:
        for each in problems:
            (say.error if each.level == "error" else say.warning)(f"{each.path}: {each.message}", each.hint)
        say.out(f"{call.run}: {_count(len(errors), 'error')}, {_count(len(problems) - len(errors), 'warning')}")
    return Exit.FAILED if errors else Exit.DONE


def graph(call: Call) -> int:
    """Show the steps; the format is text, dot or mermaid, or with --json the outline itself."""
    steps, _ = call.build()
    shape = outline(steps)
    if call.common["json"]:
        say.result({"version": "1.0", "run": call.run, "steps": [plain(each) for each in shape]})
        return Exit.DONE
    lines = {"text": tree, "dot": dot, "mermaid": mermaid}[call.common["format"]](shape)
    if call.common["format"] == "text":
        say.out(call.run)
    say.out("\n".join(lines))
    return Exit.DONE


def plain(node: Outline) -> dict[str, object]:
    """An outline as plain values."""
    return {"name": node.name, "kind": node.kind, "parts": [plain(each) for each in node.parts]}


def tree(nodes: Sequence[Outline], guide: str = "") -> Iterator[str]:
    """The outline as lines of text."""
    words = {"group": "side by side", "scope": "opened, and closed whatever happens", "each": "for every item"}
    for place, node in enumerate(nodes):
        last = place == len(nodes) - 1
        said = words.get(node.kind, "" if node.kind == "step" else node.kind)
        yield f"{guide}{'└── ' if last else '├── '}{node.name}{f'  ({said})' if said else ''}"
        yield from tree(node.parts, guide + ("    " if last else "│   "))


def mermaid(nodes: Sequence[Outline]) -> Iterator[str]:
    """The outline as a Mermaid flowchart: a step leads to the next one, what holds steps is a subgraph."""
    yield "flowchart TD"
    yield from _mermaid(nodes, "n", "  ")


def _mermaid(nodes: Sequence[Outline], prefix: str, indent: str) -> Iterator[str]:
    for place, node in enumerate(nodes):
        name = f"{prefix}_{place}"
        if node.parts:
            yield f'{indent}subgraph {name}["{node.name}"]'
            yield from _mermaid(node.parts, name, indent + "  ")
            if node.kind != "group":
                yield from _chain(node.parts, name, indent + "  ")
            yield f"{indent}end"
        else:
            yield f'{indent}{name}["{node.name}"]'
    if prefix == "n":
        yield from _chain(nodes, prefix, indent)


def dot(nodes: Sequence[Outline]) -> Iterator[str]:
    """The outline for Graphviz: what holds steps is a cluster."""
    yield "digraph pipeline {"
    yield "  compound=true; node [shape=box];"
    yield from _dot(nodes, "n", "  ", chained=True)
    yield "}"


def _dot(nodes: Sequence[Outline], prefix: str, indent: str, *, chained: bool) -> Iterator[str]:
    for place, node in enumerate(nodes):
        name = f"{prefix}_{place}"
        if node.parts:
            yield f'{indent}subgraph cluster_{name} {{ label="{node.name}";'
            yield from _dot(node.parts, name, indent + "  ", chained=node.kind != "group")
            yield f"{indent}}}"
        else:
            yield f'{indent}{name} [label="{node.name}"];'
    if chained:
        for place in range(len(nodes) - 1):
            one, other = f"{prefix}_{place}", f"{prefix}_{place + 1}"
            # Graphviz draws from node to node; the clusters' borders are named beside.
            ends = [f"ltail=cluster_{one}"] * bool(nodes[place].parts)
            ends += [f"lhead=cluster_{other}"] * bool(nodes[place + 1].parts)
            first, last = _leaf(nodes[place], one, -1), _leaf(nodes[place + 1], other, 0)
            attributes = f" [{', '.join(ends)}]" if ends else ""
            yield f"{indent}{first} -> {last}{attributes};"


def _leaf(node: Outline, name: str, end: int) -> str:
    """The name of the first (0) or last (-1) step in a node."""
    while node.parts:
        place = end % len(node.parts)
        node, name = node.parts[place], f"{name}_{place}"
    return name


def _chain(nodes: Sequence[Outline], prefix: str, indent: str) -> Iterator[str]:
    for place in range(len(nodes) - 1):
        yield f"{indent}{prefix}_{place} --> {prefix}_{place + 1}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
