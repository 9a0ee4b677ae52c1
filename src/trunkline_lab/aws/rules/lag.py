"""Reads that lag behind writes: what a caller has just made, changed or deleted is not yet so for a late answer.

Source: "Eventual consistency in the Amazon EC2 API", docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html:
a change "might not be immediately visible to all subsequent commands", and one that modifies or describes what was just
made may be told that it does not exist.
"""

from __future__ import annotations

import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from trunkline_lab.aws import wire
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused
from trunkline_lab.aws.rules.filters import matches
from trunkline_lab.aws.rules.kinds import BY_OPERATION, BY_PREFIX, Kind, items_of, keep_items

_ID = re.compile(r"[a-z]+-[0-9a-f]{8,17}")
_MAKES = ("Create", "Run", "Allocate", "Import", "Copy", "Register", "Authorize")
_RULES = BY_OPERATION["DescribeSecurityGroupRules"]

# An account, a region, an id.
_Key = tuple[str, str, str]


@dataclass(frozen=True)
class _Was:
    """What a thing was before a write at `when` (monotonic seconds); None where it was not there."""

    when: float
    kind: Kind | None
    item: Mapping[str, Any] | None


class Lag:
    """Answers some callers from a replica that is `seconds` behind.

    Parameters:
        seconds: How far the replica is behind; 0 for no such replica.
        seed: A late answer is decided by the toss of a coin with this seed; None makes every answer late.

    What CloudFormation makes does not lag: it waits until things have settled. Writes are carried out at once, so a
    duplicate is refused although no read shows it yet.
    """

    def __init__(self, seconds: float = 0.0, seed: int | None = None) -> None:
        self.seconds = seconds
        chance = random.Random(seed)
        self._late: Callable[[], bool] = (lambda: True) if seed is None else (lambda: chance.random() < 0.5)
        self._past: dict[_Key, list[_Was]] = defaultdict(list)

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2" or call.via or self.seconds <= 0:
            return proceed(call)
        self._forget()
        if not call.reads:
            return self._write(call, proceed)
        kind = BY_OPERATION.get(call.operation)
        if kind is None or not self._past or not self._late():
            return proceed(call)
        return self._read(kind, call, proceed)

    def _write(self, call: Call, proceed: Handler) -> Answer:
        named = [text for text in call.form.values() if _ID.fullmatch(text)]
        if self._past and self._late():
            _refuse([each for each in named if self._unseen(call, each)])
        before = dict(self._looked_up(call, named, proceed))
        given = proceed(call)
        if given.status >= 400:
            return given
        moment = time.monotonic()
        for identity, (kind, item) in before.items():
            self._past[_key(call, identity)].append(_Was(moment, kind, item))
        if call.operation.startswith(_MAKES):
            for identity in set(re.findall(rf">({_ID.pattern})<", given.body.decode())) - set(named) - before.keys():
                self._past.setdefault(_key(call, identity), [_Was(moment, None, None)])
        return given

    def _looked_up(
        self, call: Call, named: Iterable[str], proceed: Handler
    ) -> Iterator[tuple[str, tuple[Kind, Mapping[str, Any]]]]:
        """What the things that a write names are before it, by id; a group's rules too."""
        for identity in dict.fromkeys(named):
            kind = BY_PREFIX.get(identity.partition("-")[0])
            asked = [(kind, {f"{kind.asked_as}.1": identity})] if kind else []
            if kind and kind.prefix == "sg":
                asked.append((_RULES, {"Filter.1.Name": "group-id", "Filter.1.Value.1": identity}))
            for one, fields in asked:
                for item in _ask(call, one, fields, proceed):
                    yield str(item[one.member]), (one, item)

    def _read(self, kind: Kind, call: Call, proceed: Handler) -> Answer:
        asked = [str(each) for each in call.params.get(kind.asked, [])]
        _refuse([each for each in asked if self._unseen(call, each)])
        past = self._items_of_old(kind, call)
        gone = [each for each in asked if each in past]
        if asked and len(gone) == len(asked):
            result: dict[str, Any] = {}
            keep_items(kind, result, [past[each] for each in asked])
            return wire.answer(call, result)
        given = proceed(call)
        if given.status >= 400:
            return given
        result = wire.result(call, given)
        now = {item[kind.member]: item for item in items_of(kind, result)}
        shown = {each: past.get(each, item) for each, item in now.items() if not self._unseen(call, each)}
        shown |= {each: item for each, item in past.items() if each not in now and (not asked or each in asked)}
        keep_items(kind, result, [item for each, item in shown.items() if matches(call, item, there=each in now)])
        return wire.answer(call, result)

    def _unseen(self, call: Call, identity: str) -> bool:
        was = self._past.get(_key(call, identity))
        return was is not None and was[0].item is None

    def _items_of_old(self, kind: Kind, call: Call) -> dict[str, Any]:
        """The things of one kind that have changed since, as they were, by id."""
        firsts = ((key, was[0]) for key, was in self._past.items())
        return {
            key[2]: was.item
            for key, was in firsts
            if was.kind is kind and was.item is not None and key[:2] == (call.account, call.region)
        }

    def _forget(self) -> None:
        """Forget what the replica knows by now."""
        behind = time.monotonic() - self.seconds
        for key, known in list(self._past.items()):
            known[:] = [was for was in known if was.when > behind]
            if not known:
                del self._past[key]


def _key(call: Call, identity: str) -> _Key:
    return call.account, call.region, identity


def _refuse(unseen: list[str]) -> None:
    kind = BY_PREFIX.get(unseen[0].partition("-")[0]) if unseen else None
    if kind:
        raise Refused(kind.missing, kind.told.format(unseen[0]))


def _ask(call: Call, kind: Kind, fields: Mapping[str, str], proceed: Handler) -> list[Any]:
    """What there is now, for the lab itself."""
    words = {"Action": kind.operation, "Version": "2016-11-15", **fields}
    look = replace(call, operation=kind.operation, body=urlencode(words).encode(), via="lag")
    try:
        given = proceed(look)
        return items_of(kind, wire.result(look, given)) if given.status < 400 else []
    except Refused:  # a write that names what is not there
        return []
