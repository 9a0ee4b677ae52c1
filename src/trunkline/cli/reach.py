"""`trunkline trace`, `trunkline reach` and `trunkline network`: what is connected, read from the clouds or a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline._core.errors import Error
from trunkline.cli import say
from trunkline.cli.exits import Exit

if TYPE_CHECKING:
    from trunkline.blueprints.survey import Survey
    from trunkline.network.reachability import Matrix, Pair, Trace
    from trunkline.network.reachability import Path as Way


class Source:
    """Where the picture comes from: a file, or the accounts of the configuration.

    Parameters:
        config: The configuration's file.
        accounts: Names of the only accounts to read.
        file: A federation as JSON; then nothing is asked.
        opened: Whether to open the routers' API for the reading.
    """

    def __init__(self, config: Path | None, accounts: Sequence[str], file: Path | None, opened: bool) -> None:
        if file is not None and (opened or accounts):
            given = "--open" if opened else "--account"
            raise Error(f"{given} and --from {file}: a file is read, and no cloud", hint="give one of the two")
        self._config, self._accounts, self._file, self._opened = config, accounts, file, opened

    def read(self) -> Survey:
        """The picture. What could not be read as it is now is told on stderr."""
        from trunkline.blueprints.survey import Survey

        if self._file is not None:
            from trunkline.network import serial

            try:
                return Survey(serial.loads(self._file.read_bytes()))
            except OSError as error:
                raise Error(f"{self._file}: {error.strerror}", hint="`trunkline network --json` writes one") from None
            except serial.BadDocument as error:
                raise Error(f"{self._file}: {error}", hint=error.hint) from None
        found = self._ask()
        for note in found.notes:
            say.warning(note)
        return found

    def _ask(self) -> Survey:
        from trunkline.config import load

        config = load(self._config)
        accounts = [config.account(name) for name in self._accounts] or None
        if not self._opened:
            from trunkline.blueprints.survey import survey

            return survey(config, accounts)
        from trunkline.blueprints.look import look
        from trunkline.views.choose import view

        shown = view("auto", sys.stderr)
        try:
            return look(config, accounts, observers=[shown])
        finally:
            shown.close()


def trace(source: Source, a: str, b: str, *, protocol: str, port: int, as_json: bool) -> int:
    """Show the way from `a` to `b` and back; UNREACHED when something stops it."""
    from trunkline.network.reachability import trace as traced

    survey = source.read()
    answer = traced(survey.federation, a, b, protocol, port)
    if as_json:
        say.result({"version": "1.0", **told(answer), "unseen": list(survey.notes)})
    else:
        say.out(str(answer))
    return Exit.DONE if answer.reachable else Exit.UNREACHED


def reach(source: Source, *, protocol: str, port: int, as_json: bool) -> int:
    """Show all networks and sites as a table; UNREACHED when something does not reach something."""
    from trunkline.network.reachability import matrix

    survey = source.read()
    answer = matrix(survey.federation, protocol, port)
    if as_json:
        pairs = [
            {
                "source": pair.source,
                "destination": pair.destination,
                "reachable": pair.reachable,
                "partly": pair.partly,
                "stopped": pair.failure.summary if pair.failure else None,
            }
            for pair in answer.pairs
        ]
        document = {"version": "1.0", "names": list(answer.names), "pairs": pairs, "unseen": list(survey.notes)}
        say.result(document)
    else:
        _table(answer)
    return Exit.DONE if answer.reachable else Exit.UNREACHED


def network(source: Source, *, as_json: bool) -> int:
    """Show what there is: networks, routers, sites; as JSON all of it, for --from."""
    from trunkline.network import serial

    federation = source.read().federation
    if as_json:
        say.result(serial.to_plain(federation))
        return Exit.DONE
    rows = [
        (f"{each.account}/{each.name or each.id}", each.cloud, ", ".join(each.cidrs), f"{len(each.subnets)} subnets")
        for each in federation.networks
    ]
    for router in federation.routers:
        up = sum(tunnel.up for tunnel in router.tunnels)
        tunnels = "not read" if router.unread else f"{up} of {len(router.tunnels)} tunnels up"
        rows.append((router.name, "router", router.public_address or router.private_address, tunnels))
    rows += [(site.name, "site", ", ".join(site.prefixes), site.address) for site in federation.sites]
    say.table(rows, ("name", "is", "addresses", ""))
    return Exit.DONE


def told(answer: Trace) -> dict[str, Any]:
    """A trace as plain values."""
    return {
        "source": answer.source,
        "destination": answer.destination,
        "reachable": answer.reachable,
        "summary": answer.summary,
        "there": _path(answer.there),
        "back": _path(answer.back) if answer.back else None,
        "notes": list(answer.notes),
    }


def _path(path: Way) -> dict[str, Any]:
    return {
        "packet": str(path.packet),
        "hops": [asdict(hop) for hop in path.hops],
        "stopped": asdict(path.stop) if path.stop else None,
    }


def _table(answer: Matrix) -> None:
    """A row a source, a column a destination, numbered; then what stops those that do not get through."""
    pairs = {(pair.source, pair.destination): pair for pair in answer.pairs}
    heads = ["from \\ to", *(str(place) for place, _ in enumerate(answer.names, 1))]
    rows = [
        [f"{place} {one}", *(_cell(pairs.get((one, other))) for other in answer.names)]
        for place, one in enumerate(answer.names, 1)
    ]
    say.table(rows, heads)
    failed = [pair for pair in answer.pairs if pair.failure]
    for pair in failed:
        assert pair.failure is not None
        say.out(f"{pair.source} to {pair.destination}: {pair.failure.summary}")
    say.out(f"reachable: {len(answer.pairs) - len(failed)} of {len(answer.pairs)} pairs")


def _cell(pair: Pair | None) -> str:
    if pair is None:
        return "-"
    return "yes" if pair.reachable else "part" if pair.partly else "no"
