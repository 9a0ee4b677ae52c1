"""Reading a request's arguments as the controller does: text is accepted for numbers and flags, the rest is refused."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping

from .refusals import bad_argument

_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def to_integer(name: str, value: object) -> int:
    """A whole number, or text that spells one; anything else (also a nested object or a flag) is a 400."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    raise bad_argument(f"{name} is invalid: expected an integer, got {value!r}")


def to_flag(name: str, value: object) -> bool:
    """A flag, or text that spells one ("True", "false")."""
    if isinstance(value, bool):
        return value
    flag = _FLAGS.get(str(value).strip().lower()) if isinstance(value, str | int) else None
    if flag is None:
        raise bad_argument(f"{name} is invalid: expected true or false, got {value!r}")
    return flag


class Arguments:
    """A request's JSON object; every reader raises a 400 that names the argument."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def require(self, *names: str) -> None:
        """Refuse the request unless all of `names` are given and not empty text."""
        missing = [name for name in names if self._values.get(name) in (None, "")]
        if missing:
            raise bad_argument(f"{', '.join(missing)} is required")

    def text(self, name: str, default: str | None = None) -> str:
        """Text; a number is taken as its digits. Without `default` the argument is required."""
        value = self._given(name, default)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise bad_argument(f"{name} is invalid: expected text, got {value!r}")

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number or text that spells one."""
        return to_integer(name, self._given(name, default))

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A flag or text that spells one."""
        return to_flag(name, self._given(name, default))

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of `allowed`, in lower case."""
        value = self.text(name, default).lower()
        if value not in allowed:
            raise bad_argument(f"{name} is invalid: {value!r} is none of {', '.join(sorted(allowed))}")
        return value

    def address(self, name: str, default: str | None = None) -> str:
        """An IP address."""
        value = self.text(name, default)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise bad_argument(f"{name} is invalid: {value!r} is no IP address") from None

    def cidr(self, name: str, default: str | None = None) -> str:
        """A CIDR; host bits are cleared."""
        value = self.text(name, default)
        try:
            return str(ipaddress.ip_network(value, strict=False))
        except ValueError:
            raise bad_argument(f"{name} is invalid: {value!r} is no CIDR") from None

    def interface(self, name: str, default: str | None = None) -> str:
        """An address with its prefix length ("169.254.0.1/30"); kept as given."""
        value = self.text(name, default)
        try:
            ipaddress.ip_interface(value)
        except ValueError:
            raise bad_argument(f"{name} is invalid: {value!r} is no address with prefix") from None
        return value

    def objects(self, name: str) -> list[Arguments]:
        """A list of JSON objects."""
        value = self._given(name, None)
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise bad_argument(f"{name} is invalid: expected a list of objects")
        return [Arguments(item) for item in value]

    def entries(self, name: str) -> list[tuple[str, str]]:
        """Entries with their comments, given as lines of text, as texts, or as objects with `entry` and `comment`."""
        value = self._values.get(name) or []
        items = value.splitlines() if isinstance(value, str) else value
        if not isinstance(items, list):
            raise bad_argument(f"{name} is invalid: expected a list of entries")
        found = []
        for item in items:
            given = Arguments({"entry": item} if isinstance(item, str) else item if isinstance(item, Mapping) else {})
            found.append((given.text("entry"), given.text("comment", "")))
        return found

    def pairs(self, name: str) -> list[dict[str, object]]:
        """A list of objects that each have a `name`; kept as given."""
        for item in self.objects(name):
            item.require("name")
        return self.maps(name)

    def maps(self, name: str) -> list[dict[str, object]]:
        """A list of JSON objects; kept as given."""
        self.objects(name)
        value = self._given(name, None)
        return [dict(item) for item in value] if isinstance(value, list) else []

    def mapping(self, name: str) -> dict[str, object]:
        """A JSON object; kept as given."""
        value = self._given(name, None)
        if not isinstance(value, Mapping):
            raise bad_argument(f"{name} is invalid: expected an object")
        return dict(value)

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty when it is not given."""
        value = self._values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise bad_argument(f"{name} is invalid: expected a list of texts")
        return list(value)

    def _given(self, name: str, default: object) -> object:
        value = self._values.get(name)
        if value is not None:
            return value
        if default is None:
            raise bad_argument(f"{name} is required")
        return default
