"""Where the federation that is drawn comes from: a file, the accounts, or what the journal's runs recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline._core.errors import Error
from trunkline.blueprints.recorded import joined, recorded
from trunkline.blueprints.survey import Survey, survey
from trunkline.cli import say
from trunkline.cli.access import Found, ask
from trunkline.config import Config
from trunkline.durable import history
from trunkline.durable.store import Store
from trunkline.durable.timeline import Timeline, timeline
from trunkline.network.model import Federation, Router, Site
from trunkline.views.topology import Exposed

if TYPE_CHECKING:
    from trunkline.clouds.cloud import Exposure


class NoFederation(Error):
    """There is no federation to draw."""


@dataclass(frozen=True)
class Seen:
    """A federation, where it comes from in words, and what is exposed; None when no account could be asked."""

    federation: Federation
    source: str
    exposures: list[Exposed] | None = None


def from_file(path: Path) -> Seen:
    """The federation in a file that `trunkline network --json` wrote. Raises Error naming the file."""
    from trunkline.network.serial import BadDocument, loads

    try:
        return Seen(loads(path.read_bytes()), f"Read from {path}.")
    except OSError as error:
        raise NoFederation(f"--from {path}: {error.strerror}", hint="write one: trunkline network --json") from error
    except BadDocument as error:
        raise NoFederation(f"--from {path}: {error}", hint=error.hint) from error


def of_runs(store: Store | None, config: Config | None, only: str | None = None) -> Seen:
    """What the accounts of the configuration have; without one, what the journal's runs recorded.

    Parameters:
        store: The journal, None where there is none yet.
        config: The configuration; without it nobody is asked.
        only: This run's networks alone, and the federation that it connected to.
    """
    runs = list(reversed(history.runs(store))) if store is not None else []
    parts = {told.name: _recorded(store, told, config) for told in runs if store is not None}
    known = joined(parts.values())
    part = parts.get(only) if only is not None else None
    if config is None:
        return Seen(known if part is None else _part(known, part), "As its runs recorded it; no account was asked.")
    found = ask(config.account(name) for name in config.accounts)
    if part is not None and not part.networks:
        return Seen(part, "", exposed(found))
    try:
        seen = survey(config)
    except Exception as error:
        say.warning(f"the accounts could not be read: {error}", getattr(error, "hint", None))
        whole, source = known, "As its runs recorded it, for the accounts could not be read."
    else:
        whole = _told(seen, known)
        source = _source([*config.accounts], whole, seen.notes)
    for name, problem in found.errors.items():
        say.warning(f"account {name} could not be asked what is exposed: {problem}", getattr(problem, "hint", None))
    return Seen(whole if part is None else _part(whole, part), source, exposed(found))


def exposed(found: Found) -> list[Exposed] | None:
    """What the clouds answered, as it is drawn."""
    if not found.asked:
        return None
    return [Exposed(each.account, each.group, _text(each)) for each in found.exposures]


def values(run: Timeline) -> dict[str, Any]:
    """What a run recorded, by key."""
    return {**run.data, **{key: value for given in run.outputs.values() for key, value in given.items()}}


def _text(exposure: Exposure) -> str:
    return f"{exposure.rule} until {exposure.expires:%H:%M:%SZ} ({exposure.purpose} of {exposure.run})"


def _recorded(store: Store, told: history.Told, config: Config | None) -> Federation:
    words = history.run(store, told.name).words
    sites = [Site(site.name, site.address, site.prefixes) for site in config.sites.values()] if config else []
    account, hub = _accounts(words, config)
    run = values(timeline(store, told.name, alive=True))
    return recorded(told.name, run, account=account, hub_account=hub, sites=sites)


def _accounts(words: list[str], config: Config | None) -> tuple[str, str]:
    """The account that a run built in, and its federation's, by how it was asked for.

    These are the options of the blueprints; of another pipeline the first two accounts that its words name.
    """
    said = [part for word in words for part in word.split("=", 1)]
    pairs = dict(pairwise(said))
    named = [word for word in said if config is not None and word in config.accounts]
    account = pairs.get("--account") or next(iter(named), "")
    return account, pairs.get("--federation-account") or next((name for name in named if name != account), account)


def _part(whole: Federation, part: Federation) -> Federation:
    """Of the whole what is in one run's part; its hubs' tunnels to other runs' routers are left out."""
    mine = {router.id for router in part.routers}
    routers = [router for router in whole.routers if router.id in mine]
    known = {router.public_address for router in routers} | {site.address for site in part.sites}
    routers = [
        replace(router, tunnels=tuple(tunnel for tunnel in router.tunnels if tunnel.peer in known))
        for router in routers
    ]
    ids = {router.network for router in routers} | {network.id for network in part.networks}
    return Federation(tuple(each for each in whole.networks if each.id in ids), tuple(routers), part.sites)


def _told(seen: Survey, known: Federation) -> Federation:
    """The federation as it was read; routers that were not read now have the tunnels that runs recorded, too."""
    recorded_ = {router.id: router.tunnels for router in known.routers}

    def with_recorded(router: Router) -> Router:
        peers = {tunnel.peer for tunnel in router.tunnels}
        more = [tunnel for tunnel in recorded_.get(router.id, ()) if tunnel.peer not in peers]
        return replace(router, tunnels=(*router.tunnels, *more)) if router.id in seen.unread else router

    return replace(seen.federation, routers=tuple(map(with_recorded, seen.federation.routers)))


def _source(names: list[str], whole: Federation, notes: Sequence[str]) -> str:
    when = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    said = [f"Read from {say.joined(names)} at {when}", *notes]
    if any(router.unread and router.tunnels for router in whole.routers):
        said.append("tunnels of routers that were not read are as the runs verified them")
    return "; ".join(said) + "."
