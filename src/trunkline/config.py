"""The configuration: one TOML file that says who calls, which accounts there are, and what lies on-prem.

    from = "198.51.100.7"                  # the caller's own address, for temporary API access
    home = "state"                         # where keys and known routers live; relative to this file

    [accounts.A]
    cloud = "aws"                          # the other fields are those of the cloud's account(...)
    region = "eu-central-1"

    [router]
    kind = "vns3"
    license = "file:license.txt"           # secrets are references, see trunkline.durable.references
    keyset_token = "env:KEYSET_TOKEN"

    [addresses]
    pool = "10.0.0.0/8"

    [sites.datacentre]
    prefixes = ["10.0.0.0/16"]
    address = "203.0.113.10"
    secret = "file:site-secret"

Reading it touches nothing and opens no account. All that is wrong is told at once, each with its remedy.
"""

from __future__ import annotations

import os
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from ipaddress import IPv4Address, IPv4Network, ip_network
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from trunkline._core.errors import Error
from trunkline._core.secret import Secret

if TYPE_CHECKING:
    from trunkline.clouds.cloud import Account

VARIABLE = "TRUNKLINE_CONFIG"
FILE = "trunkline.toml"
# Temporary access is for one caller; a site behind several addresses may be a small block, and no more.
WIDEST_CALLER = 24


class ConfigError(Error):
    """The configuration cannot be used. `problems` holds one line for each thing that is wrong."""

    def __init__(self, message: str, problems: tuple[str, ...] = (), *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Site:
    """A site outside the clouds: its name, its prefixes (CIDR), its gateway's address and its tunnel's secret.

    `secret` is a reference ("file:/path", "env:NAME", ...), never the secret itself.
    """

    name: str
    prefixes: tuple[str, ...]
    address: str
    secret: str


@dataclass(frozen=True)
class Config:
    """A configuration that was read and found valid.

    Parameters:
        path: The file it came from.
        source: The caller's own prefix ("198.51.100.7/32"), None when neither the file nor the caller gave one.
        home: A directory of the user's for what outlives a run (the master key, known routers).
        accounts: The sections `[accounts.NAME]` by name, as written.
        router: The section `[router]`: `kind`, and references to secrets by field.
        addresses: The section `[addresses]`: `pool`, a CIDR.
        sites: The sections `[sites.NAME]` by name.
    """

    path: Path
    source: str | None = None
    home: Path = Path()
    accounts: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)
    router: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    _opened: dict[str, Account] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def caller(self) -> str:
        """The prefix that temporary access is opened to, as CIDR. Raises ConfigError when none is known."""
        if self.source is None:
            raise ConfigError(
                f"{self.path}: 'from' is missing: the caller's own address is not known",
                hint=f'give --from ADDRESS, or from = "ADDRESS" in {self.path}',
            )
        return self.source

    def account(self, name: str) -> Account:
        """The account of that name, opened at first use and the same object ever after. Makes no request.

        Raises:
            ConfigError: There is no such account, or its section has a bad field.
        """
        if name not in self.accounts:
            raise ConfigError(
                f"{self.path}: there is no account {name!r}", hint=nearest(name, self.accounts, "accounts")
            )
        from trunkline.clouds.registry import open_account

        with self._lock:
            if name not in self._opened:
                try:
                    self._opened[name] = open_account(name, self.accounts[name])
                except Error as error:
                    raise ConfigError(f"{self.path}: {error}", hint=error.hint) from error
            return self._opened[name]

    @property
    def opened(self) -> tuple[Account, ...]:
        """The accounts that were opened so far."""
        return tuple(self._opened.values())

    def resolve(self, reference: str) -> Secret:
        """The secret that a reference of this configuration refers to, now. Call it at the moment of use.

        Raises:
            Error: It is no reference, or what it names is missing or cannot be read.
        """
        from trunkline.durable import references

        return references.resolve(reference, self)

    def site(self, name: str) -> Site:
        """The site of that name. Raises ConfigError when there is none."""
        if name not in self.sites:
            raise ConfigError(f"{self.path}: there is no site {name!r}", hint=nearest(name, self.sites, "sites"))
        return self.sites[name]

    def with_caller(self, address: str) -> Config:
        """This configuration with another caller's address (what --from gives). Raises ConfigError when it is bad."""
        try:
            return dataclass_replace(self, source=caller_prefix(address))
        except ValueError as error:
            raise ConfigError(f"--from {address}: {error}") from None


def find(path: Path | None = None) -> Path:
    """Where the configuration is: `path`, else $TRUNKLINE_CONFIG, else ./trunkline.toml.

    Raises:
        ConfigError: The file is not there; names the place that was looked at.
    """
    named = os.environ.get(VARIABLE)
    chosen = path or (Path(named) if named else Path(FILE))
    if chosen.is_file():
        return chosen.absolute()
    where = "--config" if path else f"${VARIABLE}" if named else "the current directory"
    raise ConfigError(
        f"no configuration: {chosen} (from {where}) is not a file",
        hint=f"give --config FILE or set {VARIABLE}; `trunkline lab up` writes one for the lab and prints its path",
    )


def load(path: Path | None = None) -> Config:
    """Read and check the configuration.

    Parameters:
        path: The file; by default $TRUNKLINE_CONFIG, else ./trunkline.toml.

    Raises:
        ConfigError: The file is not there, is no TOML, or has bad fields; all of them are listed.
    """
    file = find(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error}", hint="mend the line that is named") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    return _Reader(file).read(document)


def caller_prefix(text: str) -> str:
    """The caller's address as CIDR: "198.51.100.7" and "198.51.100.7/32" both give "198.51.100.7/32".

    Raises:
        ValueError: It is no IPv4 address or prefix, or it is wider than a /24; 0.0.0.0/0 and ::/0 are refused by name.
    """
    if text in ("*", "Internet", "any"):
        raise ValueError("would open the API to the whole internet; give your own address")
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; give your own public address, such as 198.51.100.7") from None
    if network.prefixlen == 0:
        raise ValueError(f"{network} would open the API to the whole internet; give your own address")
    if network.version == 6:
        raise ValueError("is IPv6, and the routers' API is reached over IPv4; give your own IPv4 address")
    if network.is_unspecified or network.is_multicast:
        raise ValueError("is no computer's address; give your own public address, such as 198.51.100.7")
    if network.prefixlen < WIDEST_CALLER:
        raise ValueError(f"is wider than a /{WIDEST_CALLER}; give your own address")
    return str(network)


def nearest(word: str, known: Mapping[str, object] | list[str], plural: str) -> str:
    """A hint for a word that is not known: the one that was meant, or all there are."""
    # Imported here, as it is needed for a mistake only.
    import difflib

    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"the {plural} are: {', '.join(names)}" if names else f"there are no {plural}"


class _Reader:
    """Reads one document and keeps every problem, so that all of them can be told at once."""

    KEYS = ("from", "home", "accounts", "router", "addresses", "sites")

    def __init__(self, file: Path) -> None:
        self.file = file
        self.problems: list[str] = []

    def read(self, document: dict[str, object]) -> Config:
        self.unknown(document, self.KEYS, "")
        config = Config(
            path=self.file,
            source=self.source(document),
            home=self.home(document),
            accounts={name: self.account(name, each) for name, each in self.tables(document, "accounts")},
            router=self.router(self.table(document, "router", "")),
            addresses=self.pool(self.table(document, "addresses", "")),
            sites={name: self.site(name, each) for name, each in self.tables(document, "sites")},
        )
        self.overlaps(config.sites)
        if self.problems:
            count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
            listing = "\n".join(f"  {problem}" for problem in self.problems)
            raise ConfigError(f"{self.file}: {count}\n{listing}", tuple(self.problems))
        return config

    def problem(self, where: str, value: object, text: str) -> None:
        # What stands in a secret's field is never shown: it may be the secret.
        shown = "" if value is None else f" = {value!r}"
        self.problems.append(f"{where}{shown}: {text}")

    def unknown(self, table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in known:
                self.problem(f"{where}{key}", None, f"is not known; {nearest(key, list(known), 'known fields')}")

    def table(self, parent: Mapping[str, object], key: str, where: str) -> Mapping[str, object]:
        value = parent.get(key, {})
        if isinstance(value, dict):
            return value
        self.problem(f"{where}{key}", value, f"must be a table; write it as [{where}{key}]")
        return {}

    def tables(self, parent: Mapping[str, object], key: str) -> list[tuple[str, Mapping[str, object]]]:
        group = self.table(parent, key, "")
        return [(name, self.table(group, name, f"{key}.")) for name in group]

    def text(self, table: Mapping[str, object], key: str, where: str, example: str) -> str:
        value = table.get(key)
        if value is None:
            self.problem(f"{where}{key}", None, f"is missing; give {example}")
        elif not isinstance(value, str) or not value:
            self.problem(f"{where}{key}", value, f"must be text; give {example}")
        else:
            return value
        return ""

    def source(self, document: Mapping[str, object]) -> str | None:
        if "from" not in document:
            return None
        text = self.text(document, "from", "", 'your own address, such as "198.51.100.7"')
        try:
            return caller_prefix(text) if text else None
        except ValueError as error:
            self.problem("from", text, str(error))
            return None

    def home(self, document: Mapping[str, object]) -> Path:
        if "home" in document:
            text = self.text(document, "home", "", "a directory")
            return self.file.parent / Path(text).expanduser()
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(state).expanduser() / "trunkline"

    def account(self, name: str, table: Mapping[str, object]) -> Mapping[str, object]:
        # The other fields are the cloud's own, and are checked by its plug-in when the account is opened.
        self.text(table, "cloud", f"accounts.{name}.", 'the cloud\'s name, such as "aws" or "azure"')
        return MappingProxyType(dict(table))

    def router(self, table: Mapping[str, object]) -> Mapping[str, str]:
        if not table:
            return MappingProxyType({})
        self.unknown(table, ("kind", "license", "keyset_token"), "router.")
        kind = self.text(table, "kind", "router.", '"vns3"')
        if kind not in ("", "vns3"):
            self.problem("router.kind", kind, 'is not known; the only kind is "vns3"')
        fields = {key: self.reference(table, key, "router.") for key in ("license", "keyset_token")}
        return MappingProxyType({"kind": kind, **fields})

    def pool(self, table: Mapping[str, object]) -> Mapping[str, str]:
        self.unknown(table, ("pool",), "addresses.")
        if not table:
            return MappingProxyType({})
        text = self.text(table, "pool", "addresses.", 'a prefix, such as "10.0.0.0/8"')
        self.prefix(text, "addresses.pool")
        return MappingProxyType({"pool": text})

    def site(self, name: str, table: Mapping[str, object]) -> Site:
        where = f"sites.{name}."
        self.unknown(table, ("prefixes", "address", "secret"), where)
        address = self.text(table, "address", where, "the address of its gateway")
        try:
            IPv4Address(address or "0.0.0.0")
        except ValueError:
            self.problem(f"{where}address", address, "is no IPv4 address; give one such as 203.0.113.10")
        return Site(name, self.prefixes(table, where), address, self.reference(table, "secret", where))

    def prefixes(self, table: Mapping[str, object], where: str) -> tuple[str, ...]:
        value = table.get("prefixes")
        if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
            self.problem(f"{where}prefixes", value, 'must be a list of prefixes, such as ["10.0.0.0/16"]')
            return ()
        return tuple(each for each in value if self.prefix(each, f"{where}prefixes"))

    def prefix(self, text: str, where: str) -> IPv4Network | None:
        try:
            return IPv4Network(text) if text else None
        except ValueError as error:
            self.problem(where, text, f"is no IPv4 prefix ({error}); give one such as 10.0.0.0/16")
            return None

    def reference(self, table: Mapping[str, object], key: str, where: str) -> str:
        """A reference to a secret; a relative file is taken from the configuration's own directory."""
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            self.problem(f"{where}{key}", None, "must be text; give file:PATH or env:NAME")
            return ""
        text = self.text(table, key, where, "file:PATH or env:NAME")
        kind, _, rest = text.partition(":")
        if kind == "file" and rest:
            return f"file:{self.file.parent / Path(rest).expanduser()}"
        if text and not (kind == "env" and rest):
            self.kind_of_reference(text, f"{where}{key}")
        return text

    def kind_of_reference(self, text: str, where: str) -> None:
        # Imported here, as most configurations know env: and file: only.
        from trunkline.durable import references

        try:
            references.parsed(text)
        except Error:
            wanted = ", ".join(f"{kind}:..." for kind in references.kinds())
            self.problem(where, None, f"must be a reference ({wanted}) and not the secret itself")

    def overlaps(self, sites: Mapping[str, Site]) -> None:
        owned = [(site.name, prefix, ip_network(prefix)) for site in sites.values() for prefix in site.prefixes]
        for (one, first, a), (other, second, b) in combinations(owned, 2):
            if a.version == b.version and a.overlaps(b):
                self.problem(f"sites.{other}.prefixes", second, f"overlaps {first} of sites.{one}; give each its own")
