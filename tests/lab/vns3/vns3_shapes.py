"""The shapes of answers in the 6.0.0 OpenAPI document, and a check of an answer against its own."""

import json
import re
from pathlib import Path

from lark import Lark, Transformer

_GRAMMAR = r"""
?type: object | array | map | union | whole | leaf
object: "{" [member ("," member)*] "}"
member: NAME "*"? ":" type
array: "[" type "]"
map: "map<str," type ">"
union: ("oneOf" | "anyOf") "(" type ("|" type)+ ")"
whole: "allOf(" type ("|" type)+ ")"
leaf: WORD allowed?
allowed: "[" /[^\]]+/ "]"
NAME: /[A-Za-z_]\w*/
WORD: "string" | "integer" | "boolean" | "object" | "…" | "?"
%import common.WS
%ignore WS
"""
_PYTHON = {"string": str, "integer": int, "boolean": bool, "object": dict}


def _members(members):
    """A check of an object that may have these members, and no others."""

    def check(value, place):
        if not isinstance(value, dict):
            return [f"{place}: {value!r} is no object"]
        wrong = [f"{place}.{key}: not in the document" for key in value if key not in members]
        for key in value.keys() & members.keys():
            wrong += members[key](value[key], f"{place}.{key}")
        return wrong

    check.members = members
    return check


class _Checks(Transformer):
    """Turns a shape into a function (value, place) -> list of what is wrong."""

    def leaf(self, items):
        word = str(items[0])
        wanted = _PYTHON.get(word)

        def check(value, place):
            if value is None or wanted is None:
                return []
            right = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
            return [] if right else [f"{place}: {value!r} is no {word}"]

        return check

    def allowed(self, items):
        return None

    def member(self, items):
        return str(items[0]), items[1]

    def object(self, items):
        return _members(dict(item for item in items if item))

    def whole(self, items):
        return _members({name: each for item in items for name, each in item.members.items()})

    def array(self, items):
        def check(value, place):
            if not isinstance(value, list):
                return [f"{place}: {value!r} is no list"]
            return [wrong for n, each in enumerate(value) for wrong in items[0](each, f"{place}[{n}]")]

        return check

    def map(self, items):
        def check(value, place):
            if not isinstance(value, dict):
                return [f"{place}: {value!r} is no map"]
            return [wrong for key, each in value.items() for wrong in items[0](each, f"{place}[{key}]")]

        return check

    def union(self, items):
        def check(value, place):
            found = [each(value, place) for each in items]
            return min(found, key=len)

        return check


_parser = Lark(_GRAMMAR, start="type", parser="lalr", transformer=_Checks())
_documents = json.loads(Path(__file__).with_name("shapes.json").read_text())
_checks = {}


def operation_of(method, path):
    """The documented operation that a request belongs to, as "GET /routes"."""
    for name in sorted(_documents, key=lambda name: name.count("{")):
        wanted, template = name.split(" ", 1)
        if wanted == method and re.fullmatch(re.sub(r"\\?\{\w+\\?\}", "[^/]+", template), path):
            return name
    raise LookupError(f"{method} {path}")


def is_file(method, path):
    """Whether the document says that the answer is a file."""
    return _documents[operation_of(method, path)][1] == "string;string"


def documented():
    """Every operation of the document."""
    return list(_documents)


def wrong_in(method, path, status, body):
    """What of an answer is not as documented."""
    name = operation_of(method, path)
    documented, shape = _documents[name]
    if name not in _checks:
        _checks[name] = _parser.parse(shape) if shape and not is_file(method, path) else lambda value, place: []
    problems = _checks[name](body, name)
    return problems if str(status) == documented else [f"{name}: {status} instead of {documented}", *problems]
