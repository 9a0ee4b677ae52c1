"""A federation as JSON, and back; what is wrong in a document is named by its place in it.

    {"version": 1, "networks": [...], "routers": [...], "sites": [...]}

The fields are those of the model's classes. A later version of trunkline may add fields, which have defaults, so that
it reads what an earlier one wrote; `version` goes up when it could not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, Any, get_origin

from trunkline._core.errors import Error
from trunkline.network.model import Federation, Router

if TYPE_CHECKING:
    from cattrs import Converter

VERSION = 1
_WORST = 5  # problems that one error names
_LONGEST = 60  # characters of a value that are shown


class BadDocument(Error):
    """A document is no federation; `problems` holds a line for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        shown = problems[:_WORST]
        more = f"\n  and {len(problems) - _WORST} more" if len(problems) > _WORST else ""
        super().__init__(
            "\n  ".join(("not a federation:", *shown)) + more if len(problems) > 1 else f"not a federation: {shown[0]}",
            hint="`trunkline network --json` writes one",
        )
        self.problems = problems


def dumps(federation: Federation, *, indent: int | None = 1) -> str:
    """The federation as JSON text; the same federation gives the same text."""
    return json.dumps(to_plain(federation), indent=indent)


def loads(text: str | bytes) -> Federation:
    """The federation in a JSON text. Raises BadDocument naming the place of what is wrong."""
    try:
        return from_plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadDocument([f"no JSON: {error}"]) from None


def to_plain(federation: Federation) -> dict[str, Any]:
    """The federation as dictionaries, lists and plain values."""
    return {"version": VERSION, **_converter().unstructure(federation)}


def from_plain(document: object) -> Federation:
    """The federation in a document such as `to_plain` gives.

    Raises:
        BadDocument: Something is missing, of another type, unknown, or no prefix or address; each is named by its
            place, as in "networks[2].subnets[0].cidr: ...".
    """
    if not isinstance(document, dict):
        raise BadDocument([f"the document is {_kind(document)}, and must be an object"])
    version = document.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise BadDocument([f"version: {version!r} is not known; this trunkline reads {VERSION}"])
    body = {key: value for key, value in document.items() if key != "version"}
    try:
        federation = _converter().structure(body, Federation)
    except Exception as error:
        raise BadDocument(list(_problems(error))) from None
    if problems := list(_wrong(federation)):
        raise BadDocument(problems)
    return federation


@cache
def _converter() -> Converter:
    # Imported here: a federation is read and written by few of those who import the model.
    from cattrs import Converter
    from cattrs.cols import homogenous_tuple_structure_factory

    converter = Converter(forbid_extra_keys=True)
    for kind, words in ((str, "text"), (int, "a whole number"), (bool, "true or false")):
        converter.register_structure_hook(kind, _exactly(kind, words))

    def tuples(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
        structure = homogenous_tuple_structure_factory(kind, converter)

        def checked(value: Any, kind: Any) -> Any:
            if not isinstance(value, list):
                raise _Bad(f"{_shown(value)} is no list")
            return structure(value, kind)

        return checked

    converter.register_structure_hook_factory(_is_tuple, tuples)
    return converter


def _is_tuple(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


class _Bad(TypeError):
    """A value of another type; its text is for the reader of the document."""


def _exactly(kind: type, words: str) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        # JSON's true is no number, and a number is no text: nothing is turned into something else.
        if type(value) is not kind:
            raise _Bad(f"{_shown(value)} is not {words}")
        return value

    return structure


def _problems(error: BaseException) -> Iterator[str]:
    """What cattrs found wrong, as "networks[2].subnets[0].cidr: what"."""
    from cattrs import transform_error

    for each in transform_error(error, format_exception=_said):
        what, _, place = each.rpartition(" @ $")
        yield f"{place.removeprefix('.') or 'the document'}: {what}"


def _said(error: BaseException, _: type | None) -> str:
    from cattrs.errors import ForbiddenExtraKeysError

    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, ForbiddenExtraKeysError):
        return f"{', '.join(sorted(map(str, error.extra_fields)))}: no such field"
    # Whatever else goes wrong does so because something stands where an object should.
    return str(error) if isinstance(error, _Bad) else "is not an object"


def _wrong(federation: Federation) -> Iterator[str]:
    """What is of the right type and yet no prefix or address."""
    for n, network in enumerate(federation.networks):
        at = f"networks[{n}]"
        yield from _each(_prefix, network.cidrs, f"{at}.cidrs")
        for m, subnet in enumerate(network.subnets):
            yield from _prefix(subnet.cidr, f"{at}.subnets[{m}].cidr")
        for m, table in enumerate(network.route_tables):
            for k, route in enumerate(table.routes):
                yield from _prefix_or_name(route.prefix, f"{at}.route_tables[{m}].routes[{k}].prefix")
        for m, rules in enumerate(network.rule_sets):
            for k, each in enumerate(rules.permissions):
                here = f"{at}.rule_sets[{m}].permissions[{k}]"
                yield from _prefix_or_name(each.peer, f"{here}.peer")
                yield from _prefix_or_name(each.local, f"{here}.local")
                yield from _one_of(each.direction, ("in", "out"), f"{here}.direction")
                yield from _one_of(each.action, ("allow", "deny"), f"{here}.action")
        for m, interface in enumerate(network.interfaces):
            here = f"{at}.interfaces[{m}]"
            yield from _address(interface.private_address, f"{here}.private_address")
            yield from _address(interface.public_address, f"{here}.public_address")
    for n, router in enumerate(federation.routers):
        yield from _wrong_router(router, f"routers[{n}]")
    for n, site in enumerate(federation.sites):
        yield from _address(site.address, f"sites[{n}].address")
        yield from _each(_prefix, site.prefixes, f"sites[{n}].prefixes")
        if not site.prefixes:
            yield f"sites[{n}].prefixes: a site has at least one"


def _wrong_router(router: Router, at: str) -> Iterator[str]:
    yield from _address(router.private_address or None, f"{at}.private_address")
    yield from _address(router.public_address, f"{at}.public_address")
    for m, tunnel in enumerate(router.tunnels):
        here = f"{at}.tunnels[{m}]"
        yield from _address(tunnel.peer, f"{here}.peer")
        yield from _each(_prefix, tunnel.local, f"{here}.local")
        yield from _each(_prefix, tunnel.remote, f"{here}.remote")
        if tunnel.inside is not None:
            yield from _parsed(ip_interface, tunnel.inside, f"{here}.inside", "address with its length")
    for m, route in enumerate(router.routes):
        yield from _prefix(route.prefix, f"{at}.routes[{m}].prefix")
        yield from _address(route.gateway, f"{at}.routes[{m}].gateway")
    for m, rule in enumerate(router.filters):
        yield from _prefix(rule.source, f"{at}.filters[{m}].source")
        yield from _prefix(rule.destination, f"{at}.filters[{m}].destination")
        yield from _one_of(rule.action, ("allow", "deny"), f"{at}.filters[{m}].action")


def _each(check: Callable[[str, str], Iterator[str]], values: Iterable[str], at: str) -> Iterator[str]:
    for place, value in enumerate(values):
        yield from check(value, f"{at}[{place}]")


def _prefix(value: str, at: str) -> Iterator[str]:
    return _parsed(ip_network, value, at, "prefix")


def _prefix_or_name(value: str, at: str) -> Iterator[str]:
    """Groups, prefix lists and service tags stand where prefixes do; they begin with a letter or, on Azure, a slash."""
    return _prefix(value, at) if value[:1].isdigit() or ":" in value else iter(())


def _address(value: str | None, at: str) -> Iterator[str]:
    return _parsed(ip_address, value, at, "address") if value is not None else iter(())


def _parsed(parse: Callable[[str], object], value: str, at: str, noun: str) -> Iterator[str]:
    if not _parses(parse, value):
        yield f"{at}: {_shown(value)} is no {noun}"


@lru_cache(maxsize=65536)
def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _one_of(value: str, known: tuple[str, ...], at: str) -> Iterator[str]:
    if value not in known:
        yield f"{at}: {_shown(value)} is not one of {', '.join(known)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "nothing" if value is None else "a single value"
