"""The whole federation in one picture: the accounts' networks, the routers in them, the sites of the configuration.

It only reads. A router is read through its API where that is open to the caller; where it is shut, which is how the
jobs leave it, the picture has the router as it was when trunkline last read it, and says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from trunkline._core.errors import Error
from trunkline.blueprints.access import API_PORT
from trunkline.blueprints.equipment import router_driver, together
from trunkline.clouds.cloud import Account
from trunkline.config import Config
from trunkline.network import model, serial
from trunkline.network.model import Federation, Interface, Network
from trunkline.network.reachability import Reachability
from trunkline.routers.router import Driver, Reading, Router, RouterError

OPEN_HINT = "open it for a minute with --open"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was read, and in words what could not be, or not as it is now."""

    federation: Federation
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine in a network that carries others' packets: a router, or what looks like one."""

    network: Network
    interface: Interface

    @property
    def id(self) -> str:
        """The machine's provider id."""
        return self.interface.instance or self.interface.id

    def state(self, name: str) -> Router:
        """The router as a driver takes it."""
        return Router(
            name=name,
            address=self.interface.public_address or "",
            private_address=self.interface.private_address,
            instance=self.id,
        )

    def unread(self, name: str, why: str) -> model.Router:
        """The router of which nothing is known but where it stands."""
        return model.Router(
            id=self.id,
            name=name,
            network=self.network.id,
            interface=self.interface.id,
            private_address=self.interface.private_address,
            public_address=self.interface.public_address,
            unread=why,
        )


def survey(config: Config, accounts: Sequence[Account] | None = None) -> Survey:
    """Read everything that the configuration names.

    Parameters:
        config: The configuration; its "from" is the caller, to whom a router's API is open or shut.
        accounts: Only these; all of the configuration when left out.

    Raises:
        CloudError: An account cannot be read.
    """
    chosen = [config.account(name) for name in config.accounts] if accounts is None else accounts
    networks = [each for found in together(lambda account: account.networks(), chosen) for each in found]
    driver = router_driver(config) if config.router else None
    picture = Federation(tuple(networks), (), tuple(map(site, config.sites.values())))
    seen = Seen(config.home)
    look = partial(_look, driver, Reachability(picture), config.source, seen.load())
    answers = together(look, machines(networks))
    seen.keep([answer.router for answer, fresh in answers if fresh])
    notes = [note for answer, _ in answers for note in answer.unclear]
    return Survey(replace(picture, routers=tuple(answer.router for answer, _ in answers)), tuple(notes))


def site(known: object) -> model.Site:
    """A site of the configuration as the model has it: without its secret."""
    from trunkline.config import Site

    assert isinstance(known, Site)
    return model.Site(known.name, known.address, known.prefixes)


def machines(networks: Iterable[Network]) -> list[Machine]:
    """The machines that forward and have a public address, in the networks' order."""
    return [
        Machine(network, interface)
        for network in networks
        for interface in network.interfaces
        if interface.forwards and interface.instance and interface.public_address
    ]


def _look(
    driver: Driver | None,
    reach: Reachability,
    caller: str | None,
    seen: dict[str, tuple[model.Router, str]],
    machine: Machine,
) -> tuple[Reading, bool]:
    """The router as it is now; else as it was last seen; and whether it was read now."""
    name = driver.knows(machine.interface.public_address or "", machine.id) if driver else None
    if driver is None or name is None:
        known = machine.interface.name or machine.id
        return Reading(machine.unread(known, "not read: trunkline never contacted it from this machine")), False
    shut = reach.closed(machine.interface.id, "tcp", API_PORT, caller.partition("/")[0]) if caller else None
    if shut:
        why = f"its API is shut ({shut})"
    else:
        try:
            state = machine.state(name)
            return driver.read(state, network=machine.network.id, interface=machine.interface.id), True
        except RouterError as error:
            why = error.reason
    before = seen.get(machine.id)
    if before is None:
        return Reading(machine.unread(name, f"not read: {why}; {OPEN_HINT}")), False
    router, at = before
    return Reading(router, (f"router {name} is shown as it was on {at}: {why}; {OPEN_HINT}",)), False


class Seen:
    """The routers as they were when they were last read, by their machines' ids; no secret is in it.

    Parameters:
        home: The directory of trunkline's own files; it is `<home>/seen_routers.json`.
    """

    def __init__(self, home: Path) -> None:
        self._path = Path(home).expanduser() / "seen_routers.json"

    def load(self) -> dict[str, tuple[model.Router, str]]:
        """Each router and when it was read ("2026-01-31 12:00Z"). What cannot be read counts as not there."""
        try:
            document = json.loads(self._path.read_text("utf-8"))
            times = dict(document.pop("read"))
            routers = serial.from_plain(document).routers
            return {router.id: (router, str(times[router.id])) for router in routers}
        except (OSError, ValueError, LookupError, AttributeError, TypeError, Error):
            return {}  # a memory, and no more: reading the routers anew makes it again

    def keep(self, routers: Iterable[model.Router]) -> None:
        """Remember these as they are now, beside the others."""
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%MZ}"
        kept = self.load() | {router.id: (router, now) for router in routers}
        document = serial.to_plain(Federation(routers=tuple(router for router, _ in kept.values())))
        document["read"] = {router.id: at for router, at in kept.values()}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}.new")
        draft.write_text(json.dumps(document, indent=1))
        os.replace(draft, self._path)
