"""SVG as text: elements whose every value is escaped, and text that is cut to the room it has."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import escape

# What XML cannot hold, not even escaped; and that with what has to be escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_UNSAFE = re.compile(f"{_FORBIDDEN.pattern[:-1]}&<>\"']")


def text_of(value: object) -> str:
    """`value` as text that is safe between tags and in attributes."""
    text = str(value)
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)) if _UNSAFE.search(text) else text


def element(tag: str, *content: str, **attributes: object) -> str:
    """One element.

    Parameters:
        tag: Its name.
        content: What is in it: elements, or text that was escaped.
        attributes: Its attributes; `stroke_width` is written stroke-width and `class_` class; None is left out.
    """
    written = "".join(
        f' {_attribute(name)}="{number(value) if isinstance(value, float) else text_of(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(content)
    return f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>"


@lru_cache(256)
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def number(value: float) -> str:
    """A coordinate with at most one decimal."""
    return str(int(value)) if value == int(value) else f"{value:.1f}".removesuffix(".0")


def words(text: str, x: float, y: float, class_: str, room: float | None = None, size: float = 12.0) -> str:
    """A line of text at its baseline; one wider than `room` pixels is cut, and whole in its tooltip."""
    shown = text if room is None else fitted(text, room, size)
    whole = [element("title", text_of(text))] if shown != text else []
    return element("text", *whole, text_of(shown), x=float(x), y=float(y), class_=class_)


def fitted(text: str, room: float, size: float) -> str:
    """`text` cut so that it fits `room` pixels at a font of `size` pixels, with an ellipsis where it was cut."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def width(text: str, size: float) -> float:
    """About how wide `text` is, in pixels; a little too much rather than too little, as fonts differ."""
    return sum(_advance(letter) for letter in text) * size


@lru_cache(1024)
def _advance(letter: str) -> float:
    if letter in "ijl|.,:;'!ftI ()[]/":
        return 0.38
    if letter in "mwMW%@":
        return 0.95
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    if unicodedata.combining(letter):
        return 0.0
    return 0.7 if letter.isupper() else 0.62


def document(body: str, width: float, height: float, label: str, style: str | None, class_: str) -> str:
    """A whole SVG.

    Parameters:
        body: Its elements.
        width, height: Its natural size in pixels; it may be shown smaller.
        label: What a screen reader calls it.
        style: Its style sheet; None where the page that it is part of has one.
        class_: Its class, for the page's own rules.
    """
    sheet = element("style", style) if style else ""
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{class_}" role="img" aria-label="{text_of(label)}" {size}>'
        f"{sheet}{body}</svg>"
    )


@lru_cache(65536)
def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort names by as people do: "vpc-9" before "vpc-10"."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
