"""The live tree: a run as it goes, redrawn in place on a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from trunkline._core.events import Event, RunEnded, RunStarted
from trunkline.views.above import Above
from trunkline.views.tree import Row, Status, Tree
from trunkline.views.words import MODES, duration, ending

# A shape as well as a colour, so that neither is needed alone.
LOOKS: dict[Status, tuple[str, str]] = {
    "waiting": ("·", "dim"),
    "running": ("…", "cyan"),
    "open": ("◐", "yellow"),
    "done": ("✔", "green"),
    "replayed": ("↺", "green"),
    "failed": ("✘", "bold red"),
    "skipped": ("-", "dim"),
}
PLAIN_SHAPES = {"·": ".", "…": ">", "◐": "o", "✔": "+", "↺": "=", "✘": "x", "-": "-"}
GUIDES = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "…": "."})
NOTES_FROM = 50  # columns; narrower than this there is room for names and times only


class LiveView:
    """An observer that draws the tree of a run on `console` until the run ends, and leaves it standing there.

    Parameters:
        console: A rich console on a terminal, stderr as a rule.
        refresh: Drawings a second.
        usual: What steps usually take, as for `Tree`.
    """

    def __init__(self, console: Console, *, refresh: float = 8.0, usual: Mapping[str, float] | None = None) -> None:
        self.console = console
        self.tree = Tree(usual)
        self._lock = threading.Lock()
        self._above = Above()
        # One thread alone writes to the terminal: two that did would each move the cursor by what the other drew.
        self._live = Live(self, console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._pause, self._over = 1 / refresh, threading.Event()
        self._drawing: threading.Thread | None = None

    def on(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            self.tree.on(event)
        if isinstance(event, RunStarted):
            self._start()
        elif isinstance(event, RunEnded):
            self.close()

    def close(self) -> None:
        """Draw for the last time and give the terminal back; may be called again."""
        if self._drawing is None:
            return
        self._over.set()
        self._drawing.join()
        self._drawing = None
        self._above.end()
        self._draw()
        self._live.stop()

    def _start(self) -> None:
        # Text that steps print appears above the tree; where stdout is no terminal it is someone's result, left alone.
        self._above.begin(stdout=self.console.is_terminal and _is_terminal_stdout())
        self._live.start(refresh=True)
        self._over.clear()
        self._drawing = threading.Thread(target=self._keep_drawing, name="trunkline live", daemon=True)
        self._drawing.start()

    def _keep_drawing(self) -> None:
        while not self._over.wait(self._pause):
            self._draw()

    def _draw(self) -> None:
        for line in self._above.taken():
            self.console.print(Text.from_ansi(line), soft_wrap=True)
        self._live.refresh()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now = time.time()
        with self._lock:
            # At the end the whole tree may stand; while it is redrawn it must fit.
            height = None if self.tree.ended else max(options.size.height - 2, 1)
            rows = self.tree.rows(now, height)
            yield self._heading(now, options.max_width)
        plain = options.encoding is not None and not options.encoding.startswith("utf")
        for row in rows:
            yield drawn(row, options.max_width, plain=plain)

    def _heading(self, now: float, width: int) -> Text:
        done, known = self.tree.progress()
        end = ""
        if self.tree.ended:
            end = f"  {ending(self.tree.error)}"
        text = Text(self.tree.run, style="bold", no_wrap=True, overflow="ellipsis")
        if self.tree.mode != "go":
            text.append(f"  {MODES[self.tree.mode]}", style="default")
        text.append(f"  {done}/{known}  {duration(self.tree.elapsed(now))}{end}", style="default")
        text.truncate(width, overflow="ellipsis")
        return text


def drawn(row: Row, width: int, *, plain: bool = False) -> Text:
    """A row as one line of text, at most `width` columns; `plain` keeps to ASCII."""
    shape, style = LOOKS[row.status]
    guide = row.guide.translate(GUIDES) if plain else row.guide
    if row.guide:
        name = f"{PLAIN_SHAPES[shape] if plain else shape} {row.label}"
    else:
        name = row.label.translate(GUIDES) if plain else row.label
    if row.count:
        name += f" {row.count}"
    took = duration(row.seconds)
    text = Text(no_wrap=True)
    text.append(guide, style="dim")
    # The time is kept at any width; the name gives way.
    room = max(width - len(guide) - (len(took) + 2 if took else 0), 4)
    label = Text(name, style=style, no_wrap=True)
    label.truncate(room, overflow="ellipsis")
    text.append_text(label)
    if took:
        text.append(f"  {took}", style="dim" if row.status in ("done", "replayed", "waiting") else style)
    if row.note and width >= NOTES_FROM:
        text.append(f"  {row.note}", style="red" if row.status == "failed" else "dim")
    text.truncate(width, overflow="ellipsis")
    return text


def _is_terminal_stdout() -> bool:
    import sys

    return sys.stdout.isatty()
