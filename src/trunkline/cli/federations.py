"""Where the federation that is drawn comes from: a file, or the runs of the journal with their networks read anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline._core.errors import Error
from trunkline.blueprints.recorded import joined, recorded
from trunkline.cli import say
from trunkline.cli.access import Found, ask, side_by_side
from trunkline.config import Config
from trunkline.durable import history
from trunkline.durable.store import Store
from trunkline.durable.timeline import Timeline, timeline
from trunkline.network.model import Federation, Network, Site
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


def of_runs(store: Store, config: Config | None, only: str | None = None) -> Seen:
    """What the journal's runs made, their networks and exposures read anew where the accounts are configured.

    Parameters:
        store: The journal.
        config: The configuration; without it everything is as it was recorded.
        only: This run's networks alone, and the federation that it connected to.
    """
    told = list(reversed(history.runs(store)))
    parts = {each.name: _recorded(store, each, config) for each in told}
    federation = joined(parts.values())
    if only is not None:
        federation = _part(federation, parts[only])
    if config is None:
        return Seen(federation, "As its runs recorded it; no account was asked.")
    names = sorted({network.account for network in federation.networks} & {*config.accounts})
    federation, failed = _read_anew(federation, config, names)
    found = ask(config.account(name) for name in config.accounts)
    for name, error in {**found.errors, **failed}.items():
        say.warning(f"account {name} could not be read: {error}", getattr(error, "hint", None))
    return Seen(federation, _source(names, failed), exposed(found))


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


def _read_anew(federation: Federation, config: Config, names: list[str]) -> tuple[Federation, dict[str, Exception]]:
    """The networks as their clouds have them now, the accounts side by side."""

    def read(account: Any) -> dict[str, Network]:
        mine = [network for network in federation.networks if network.account == account.name]
        return {network.id: _named(account.network(network.id), network) for network in mine}

    answers, failed = side_by_side([config.account(name) for name in names], read)
    fresh: Mapping[str, Network] = {key: network for answer in answers.values() for key, network in answer.items()}
    clouds = {name: str(section.get("cloud", "")) for name, section in config.accounts.items()}
    networks = [
        fresh.get(each.id) or replace(each, cloud=each.cloud or clouds.get(each.account, ""))
        for each in federation.networks
    ]
    return replace(federation, networks=tuple(networks)), failed


def _named(network: Network, known: Network) -> Network:
    return network if network.name else replace(network, name=known.name)


def _source(names: list[str], failed: Mapping[str, Exception]) -> str:
    read = [name for name in names if name not in failed]
    when = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    told = "Routers and tunnels as their runs recorded them"
    return f"{told}; networks read from {say.joined(read)} at {when}." if read else f"{told}, and networks, too."
