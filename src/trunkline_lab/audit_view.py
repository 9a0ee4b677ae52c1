"""An audit for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

_FINDINGS = {"open_access": "open", "duplicates": "double", "orphans": "orphan"}


def show_audit(audit: Mapping[str, Any]) -> None:
    """Print what there is, by who made it, and what a judge objects to; `audit` is `Audit.plain()`."""
    things = [thing for thing in audit["things"] if not thing["given"]]
    counts = Counter((thing["maker"]["run"] or "-", thing["face"], thing["kind"]) for thing in things)
    print(f"{len(things)} things, {len(audit['calls'])} calls, {len(audit['faults'])} faults struck")
    for (run, face, kind), count in sorted(counts.items()):
        print(f"  {run:<20} {face:<6} {count:>4}  {kind}")
    for key, word in _FINDINGS.items():
        for finding in audit[key]:
            names = ", ".join(f"{thing['kind']} {thing['name'] or thing['id']}" for thing in finding["things"])
            print(f"{word:<7} {finding['why']}: {names}")
