"""Version 1 of the firewall beyond single rules: sets and subgroups as lines of text, "NAME ENTRY" each."""

from __future__ import annotations

from collections.abc import Callable

from .arguments import Arguments
from .controller import Call
from .firewall_rules import RuleError, check, check_entry
from .operations import Operations
from .records import Record, drawer
from .refusals import Refusal, bad_argument

operations = Operations()
_SET, _SUBGROUP = "fwset of version 1", "firewall subgroup"
_CHAINS = ("PRE_C_", "PST_C_", "FWD_C_", "INP_C_", "OUT_C_")
Check = Callable[[str, str], None]


def _check_set(name: str, line: str) -> None:
    check_entry("service" if name.startswith("SVCS_") else "net", line)


def _check_rule(name: str, line: str) -> None:
    if not name.startswith(_CHAINS):
        raise RuleError(f"{name!r} begins with none of {', '.join(_CHAINS)}")
    check(f"{name} {line}", [name])


def _lines(body: Arguments, right: Check) -> list[tuple[str, str]]:
    """The (name, rest) of every line of `rules`, the name in front of each or in `name`. Raises Refusal."""
    name, found = body.text("name", ""), []
    for line in filter(str.strip, body.text("rules", "").splitlines()):
        first, _, rest = line.strip().partition(" ")
        owner, text = (first, rest) if first == name or not name else (name, line.strip())
        try:
            right(owner, text.strip())
        except RuleError as error:
            raise bad_argument(f"Parse Error - iptables: {error}") from None
        found.append((owner, text.strip()))
    if not found:
        raise bad_argument("rules is required")
    return found


def _add(call: Call, kind: str, right: Check) -> list[str]:
    lines = _lines(call.body, right)
    if call.body.flag("flush", False):
        for name in {name for name, _ in lines}:
            drawer(call, kind).pop(name, None)
    for name, text in lines:
        entries = drawer(call, kind).setdefault(name, {"lines": []})["lines"]
        if text not in entries:
            entries.append(text)
    return [f"{name} {text}" for name, text in lines]


def _shown(call: Call, kind: str) -> list[str]:
    records, name = drawer(call, kind), call.query.get("name")
    if name is not None and name not in records:
        raise bad_argument(f"name is invalid: there is no {kind} {name!r}")
    chosen: dict[str, Record] = records if name is None else {name: records[name]}
    if name is None and call.query.get("verbose", "").lower() != "true":
        return list(chosen)
    return [f"{key} {line}" for key, record in chosen.items() for line in record["lines"]]


def _remove(call: Call, kind: str, missing: int) -> Record:
    """Remove a whole set by name, or the lines of `rules`."""
    records, name = drawer(call, kind), call.body.text("name", "")
    if "rules" not in call.body:
        call.body.require("name")
        if name not in records:
            raise Refusal(missing, "APIArgumentError", f"name is invalid: there is no {kind} {name!r}")
        del records[name]
        return {"status": "deleted"}
    for line in filter(str.strip, call.body.text("rules").splitlines()):
        first, _, rest = line.strip().partition(" ")
        owner, text = (first, rest) if first == name or not name else (name, line.strip())
        if text.strip() not in records.get(owner, {"lines": []})["lines"]:
            raise Refusal(missing, "APIArgumentError", f"rules is invalid: there is no {line.strip()!r}")
        records[owner]["lines"].remove(text.strip())
    return {"status": "deleted"}


@operations("GET", "/firewall/fwsets", licensed=True)
def get_sets(call: Call) -> object:
    """The sets' names, or a set's lines."""
    return _shown(call, _SET)


@operations("POST", "/firewall/fwsets", licensed=True)
def post_set(call: Call) -> object:
    """Add lines to sets."""
    return _add(call, _SET, _check_set)


@operations("DELETE", "/firewall/fwsets", licensed=True)
def delete_set(call: Call) -> object:
    """Remove a set or lines of it."""
    return _remove(call, _SET, 400)


@operations("PUT", "/firewall/fwsets", licensed=True)
def put_sets(call: Call) -> object:
    """Set them up anew, as they are."""
    call.body.flag("reinitialize", True)
    return {"status": "ok"}


@operations("GET", "/firewall/rules/subgroup", licensed=True)
def get_subgroups(call: Call) -> object:
    """The subgroups' names, or a subgroup's lines."""
    return _shown(call, _SUBGROUP)


@operations("POST", "/firewall/rules/subgroup", licensed=True)
def post_subgroup(call: Call) -> object:
    """Add lines to subgroups."""
    call.body.integer("position", -1)
    return {"rules": "\n".join(_add(call, _SUBGROUP, _check_rule)), "status": "submitted"}


@operations("DELETE", "/firewall/rules/subgroup", licensed=True)
def delete_subgroup(call: Call) -> object:
    """Remove a subgroup or lines of it."""
    return _remove(call, _SUBGROUP, 404)


@operations("PUT", "/firewall/rules/subgroup", licensed=True)
def put_subgroups(call: Call) -> object:
    """Set them up anew, as they are."""
    call.body.flag("reinitialize", True)
    return {"status": "ok"}
