"""Draw the pictures of the README and of the guides: a federation, and a recorded run over time.

python scripts/draw_pictures.py examples/federation.json docs/pictures/topology.svg
python scripts/draw_pictures.py JOURNAL RUN docs/pictures/run.svg

The journal is that of `trunkline up` (journal.db); docs/pictures/run.svg shows connect-vpc of `make demo`.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from trunkline.durable import history
from trunkline.durable.store import Store
from trunkline.durable.timeline import timeline
from trunkline.network.serial import loads
from trunkline.views.lanes import lanes
from trunkline.views.spans import Span, Standing
from trunkline.views.topology import topology


def run(journal: Path, name: str) -> str:
    """A run of a journal, as lanes."""
    with closing(Store(journal)) as store:
        told, seen = history.run(store, name), timeline(store, name, alive=False)
    spans = [Span(*each) for each in seen.attempts]
    standings = [Standing(*each) for each in seen.standings]
    return lanes(spans, standings, begun=told.begun, now=told.begun + told.seconds)


if __name__ == "__main__":
    *source, picture = sys.argv[1:]
    drawn = run(Path(source[0]), source[1]) if len(source) == 2 else topology(loads(Path(source[0]).read_bytes()))
    Path(picture).write_text(drawn + "\n", encoding="utf-8")
