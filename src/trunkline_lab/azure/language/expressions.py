"""Expressions such as `[concat(parameters('prefix'), '-vnet')]`: parsed with a grammar into a small tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import lark

from trunkline_lab.azure.errors import ArmError

_GRAMMAR = r"""
    ?start: expression
    ?expression: STRING               -> string
               | INTEGER              -> integer
               | call
               | expression "." NAME  -> member
               | expression "[" expression "]" -> index
               | expression ".?" NAME -> safe_member
               | expression "[?" expression "]" -> safe_index
    call: NAME ("." NAME)? "(" [expression ("," expression)*] ")"
    STRING: /'([^']|'')*'/
    INTEGER: /[+-]?\d+/
    NAME: /[A-Za-z_$][A-Za-z0-9_$-]*/
    %import common.WS
    %ignore WS
"""


@dataclass(frozen=True)
class Literal:
    """A text or a whole number."""

    value: str | int


@dataclass(frozen=True)
class Call:
    """A function's call; `name` is in lower case, with the namespace of a template's own function."""

    name: str
    arguments: tuple[Expression, ...]
    spelling: str


@dataclass(frozen=True)
class Index:
    """A property or an element: `target.name`, `target[key]`; `safe` for `.?` and `[?`, which may find nothing."""

    target: Expression
    key: Expression
    safe: bool = False


Expression = Literal | Call | Index


@lark.v_args(inline=True)
class _Tree(lark.Transformer[lark.Token, Expression]):
    """Turns the parser's tree into ours."""

    def string(self, token: lark.Token) -> Expression:
        return Literal(token[1:-1].replace("''", "'"))

    def integer(self, token: lark.Token) -> Expression:
        return Literal(int(token))

    def member(self, target: Expression, name: lark.Token) -> Expression:
        return Index(target, Literal(str(name)))

    def index(self, target: Expression, key: Expression) -> Expression:
        return Index(target, key)

    def safe_member(self, target: Expression, name: lark.Token) -> Expression:
        return Index(target, Literal(str(name)), safe=True)

    def safe_index(self, target: Expression, key: Expression) -> Expression:
        return Index(target, key, safe=True)

    def call(self, *parts: Any) -> Expression:
        names = [str(part) for part in parts if isinstance(part, lark.Token)]
        arguments = tuple(part for part in parts if part is not None and not isinstance(part, lark.Token))
        spelling = ".".join(names)
        return Call(spelling.lower(), arguments, spelling)


@lru_cache(maxsize=1)
def _parser() -> lark.Lark:
    return lark.Lark(_GRAMMAR, parser="lalr", transformer=_Tree(), maybe_placeholders=False)


def is_expression(value: object) -> bool:
    """Whether a text of a template is an expression: in brackets, and not begun by two."""
    return isinstance(value, str) and value.startswith("[") and value.endswith("]") and not value.startswith("[[")


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """The tree of `text`, brackets included. Raises ArmError (InvalidTemplate) where it cannot be read."""
    try:
        tree = _parser().parse(text[1:-1])
    except lark.exceptions.UnexpectedInput as unread:
        raise ArmError(
            400,
            "InvalidTemplate",
            f"Deployment template language expression evaluation failed: 'Unable to parse language expression "
            f"'{text[1:-1]}' at position {unread.pos_in_stream}.'. "
            "Please see https://aka.ms/arm-template-expressions for usage details.",
        ) from None
    assert isinstance(tree, Literal | Call | Index)
    return tree


def calls(tree: Expression) -> Iterator[Call]:
    """All calls in a tree, outer ones first."""
    if isinstance(tree, Call):
        yield tree
        for argument in tree.arguments:
            yield from calls(argument)
    elif isinstance(tree, Index):
        yield from calls(tree.target)
        yield from calls(tree.key)


def calls_in(value: Any) -> Iterator[Call]:
    """All calls in all expressions of a template's part."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from calls_in(key)
            yield from calls_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from calls_in(item)
    elif is_expression(value):
        yield from calls(parse(value))
