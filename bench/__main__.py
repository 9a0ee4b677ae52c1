"""Measure, and print a table: `make bench`, or `python -m bench steps startup` for some of it."""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

PARTS = ("steps", "startup", "stacks", "job")


def main(parts: list[str]) -> int:
    """Measure the parts named, or all. Exit code 64 for a part that does not exist."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 64
    table = Table("what", "figure", "against", "its figure", "ratio", "goal", "")
    for part in parts or PARTS:
        for figure in importlib.import_module(f"bench.{part}").measure():
            table.add_row(
                figure.name,
                f"{figure.value:,.1f} {figure.unit}",
                figure.peer,
                f"{figure.peer_value:,.1f} {figure.unit}" if figure.peer_value is not None else "",
                f"{figure.ratio:.2f}" if figure.ratio is not None else "",
                figure.goal,
                {True: "reached", False: "MISSED", None: ""}[figure.reached],
            )
    Console(width=150).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
