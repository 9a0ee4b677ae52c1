"""Measure, and print a table: `make bench`, or `python -m bench steps startup` for some of it."""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

PARTS = ("steps", "startup", "lab", "reach", "durable", "stacks", "job", "pictures", "packets", "tunnels")


def main(parts: list[str]) -> int:
    """Measure the parts named, or all. Exit code 64 for a part that does not exist."""
    if {"-h", "--help"} & set(parts):
        print(f"python -m bench [PART ...]; the parts are {', '.join(PARTS)}")
        return 0
    unknown = set(parts) - set(PARTS)
    if unknown:
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 64
    table = Table("what", "figure", "against", "its figure", "ratio", "goal", "")
    for part in parts or PARTS:
        for figure in importlib.import_module(f"bench.{part}").measure():
            table.add_row(
                figure.name,
                shown(figure.value, figure.unit),
                figure.peer,
                shown(figure.peer_value, figure.unit) if figure.peer_value is not None else "",
                f"{figure.ratio:.3g}" if figure.ratio is not None else "",
                figure.goal,
                {True: "reached", False: "MISSED", None: ""}[figure.reached],
            )
    Console(width=150).print(table)
    return 0


def shown(value: float, unit: str) -> str:
    """A value with its unit; what is counted has no decimals."""
    return f"{value:,} {unit}".strip() if isinstance(value, int) else f"{value:,.1f} {unit}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
