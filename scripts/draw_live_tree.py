"""Draw the live tree of a recorded run as SVG, as it stood at one moment: the picture of the README.

trunkline up ... --progress json 2> events.jsonl
python scripts/draw_live_tree.py events.jsonl 7.5 docs/pictures/live-tree.svg
"""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from trunkline._core import events
from trunkline.views.live import LiveView

KINDS = {
    "run-started": events.RunStarted,
    "step-started": events.StepStarted,
    "step-noted": events.StepNoted,
    "step-ended": events.StepEnded,
    "scope-opened": events.ScopeOpened,
    "scope-closed": events.ScopeClosed,
}


def outline(parts: list[dict[str, Any]]) -> tuple[events.Outline, ...]:
    """The outline in a recorded event."""
    return tuple(events.Outline(each["name"], each["kind"], outline(each["parts"])) for each in parts)


def draw(recorded: Path, seconds: float, picture: Path) -> None:
    """Draw the run in `recorded` as it stood `seconds` after its start."""
    console = Console(record=True, width=100, height=30, force_terminal=True, file=io.StringIO())
    view, started = LiveView(console), 0.0
    for line in recorded.read_text().splitlines():
        fields = json.loads(line) if line.startswith("{") else {}
        kind = KINDS.get(fields.pop("event", ""))
        if kind is None:
            continue
        if kind is events.RunStarted:
            started, fields["outline"] = fields["at"], outline(fields["outline"])
        if fields["at"] - started > seconds:
            break
        view.tree.on(kind(**fields))
    with mock.patch("time.time", return_value=started + seconds):
        console.print(view)
    drawing = console.export_svg(title=f"trunkline up {view.tree.run}")
    # The page that shows it fetches nothing: without the fonts' addresses the reader's own monospace stands in.
    picture.write_text(re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL))


if __name__ == "__main__":
    draw(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
