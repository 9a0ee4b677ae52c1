"""What the jobs work with: templates, the router's driver and the address pool, as the configuration has them."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, TypeVar

from trunkline._core.errors import Error
from trunkline.clouds.cloud import Account
from trunkline.clouds.names import slug
from trunkline.config import Config
from trunkline.durable.known_routers import KnownRouters
from trunkline.durable.secrets import Secrets
from trunkline.network.addresses import Pool
from trunkline.routers import registry
from trunkline.routers.router import Driver

T = TypeVar("T")
TEMPLATES = Path(__file__).parent / "templates"
# The clouds write a run's name on the rules that it opens; Azure's descriptions (140 characters) leave it 50.
LONGEST_NAME = 50
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")


def checked(run: str, field: str = "name") -> str:
    """The run's name, once it is sure that every cloud and router can write it down.

    Parameters:
        run: The name.
        field: What it was given as, for the error.

    Raises:
        Error: it is empty or too long, or has characters that are not letters, digits, dots, hyphens or underscores.
    """
    if not isinstance(run, str) or not _NAME.fullmatch(run):
        length = f" has {len(run)} characters and" if isinstance(run, str) and len(run) > LONGEST_NAME else ""
        raise Error(
            f"{field} = {run!r}{length} is no name for a run",
            hint=f"a letter or digit, then letters, digits, dots, hyphens, underscores; {LONGEST_NAME} at most",
        )
    return run


def checked_timeout(seconds: float, field: str) -> float:
    """`seconds`, once it is sure that it is a time to wait. Raises Error naming `field`."""
    if not 0 < seconds < math.inf:
        raise Error(f"{field}={seconds} is no time to wait", hint="give seconds, more than 0")
    return seconds


def template(name: str, account: Account) -> Path:
    """The template `name` in the language of the account's cloud. Raises Error when the cloud has none."""
    found = sorted(TEMPLATES.glob(f"{name}.{account.cloud}.*"))
    if not found:
        have = ", ".join(sorted(path.name.split(".")[1] for path in TEMPLATES.glob(f"{name}.*")))
        raise Error(
            f"account {account.name}: there is no template {name!r} for the cloud {account.cloud!r}",
            hint=f"there is one for: {have}",
        )
    return found[0]


def stack_name(*parts: str) -> str:
    """The name of a stack that other runs look up; valid on every cloud, the same for the same parts."""
    return slug(*parts, allowed="A-Za-z0-9", longest=60)


def name_prefix(run: str) -> str:
    """The first part of the names of a run's resources: a letter, then letters, digits and hyphens."""
    return slug(run if run[:1].isalpha() else f"r-{run}", allowed="A-Za-z0-9", longest=36)


def secrets(config: Config) -> Secrets:
    """The generated secrets of this configuration's home."""
    return Secrets(config.home)


def router_driver(config: Config) -> Driver:
    """The router's driver. Reads no secret before it is needed. Raises Error when [router] is missing."""
    if not config.router:
        raise Error(
            f"{config.path}: the table [router] is missing",
            hint='write kind = "vns3", license = "file:...", keyset_token = "file:..." under [router]',
        )
    factory: Callable[..., Driver] = registry.driver(config.router["kind"])
    return factory(
        license=partial(config.resolve, config.router["license"]),
        keyset_token=partial(config.resolve, config.router["keyset_token"]),
        secret=secrets(config).derive,
        older=secrets(config).older,
        known=KnownRouters(config.home),
    )


def address_pool(config: Config) -> Pool:
    """The pool of address blocks, which keeps clear of every site's prefixes."""
    block = config.addresses.get("pool", "10.0.0.0/8")
    reserved = {name: [IPv4Network(prefix) for prefix in site.prefixes] for name, site in config.sites.items()}
    return Pool(config.home / "addresses.json", IPv4Network(block), reserved)


def together(do: Callable[[T], Any], things: Iterable[T]) -> list[Any]:
    """Call `do` for all things side by side; all end before the first failures are raised together."""
    calls = [_Call(do, thing) for thing in things]
    for call in calls:
        call.join()
    errors = [call.error for call in calls if call.error is not None]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup(f"{len(errors)} of {len(calls)} failed", errors)
    return [call.result for call in calls]


class _Call(threading.Thread):
    """One call in a thread of its own, which knows here() and does not keep a process that wants to end."""

    def __init__(self, do: Callable[[T], Any], thing: T) -> None:
        super().__init__(daemon=True)
        self._context, self._work = copy_context(), partial(do, thing)
        self.result: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._context.run(self._work)
        except BaseException as error:
            self.error = error
