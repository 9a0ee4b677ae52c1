"""The state: how a step gets a private view of it, and how what the step returns is read.

Copies are structural: dict, list and tuple are copied, anything else (a client, a socket) goes by reference.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any

from trunkline._core.errors import Conflict, Misuse

State = dict[str, Any]
Changes = Mapping[str, Any]

_CONTAINERS = frozenset((dict, list, tuple))
_MISSING = object()


class View(dict[str, Any]):
    """A step's private view of the state: a container is copied when it is first touched, not before.

    Every way to a value is overridden, also those that C code takes: `dict(view)` and `{**view}` use the fast
    path only while `__iter__` is dict's own.
    """

    __slots__ = ("_touched",)

    def __init__(self, state: Changes) -> None:
        super().__init__(state)
        self._touched: dict[str, None] = {}  # in order, so that a run always gives its keys in the same one

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if type(value) in _CONTAINERS and key not in self._touched:
            value = copied(value)
            self[key] = value
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._touched[key] = None

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def touched(self) -> list[tuple[str, Any]]:
        """The keys that were read or written, with their values: no other can have changed."""
        return [(key, self[key]) for key in self._touched if key in self]

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 (that would call this method)

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        if key not in self and default is not _MISSING:
            return default
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        for key in reversed(self):
            return key, self.pop(key)
        raise KeyError("popitem(): the state is empty")

    def update(self, *others: Any, **more: Any) -> None:
        for key, value in dict(*others, **more).items():
            self[key] = value

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        return ItemsView(self)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        return ValuesView(self)

    def copy(self) -> State:
        return {key: self[key] for key in self}

    def __copy__(self) -> State:
        return self.copy()

    def __or__(self, other: Any) -> Any:
        return self.copy() | other if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return other | self.copy() if isinstance(other, dict) else NotImplemented

    def __ior__(self, other: Any) -> View:  # type: ignore[override]
        self.update(other)
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> State:
        import copy

        return copy.deepcopy(self.copy(), memo)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self.copy(),)


def copied(value: Any) -> Any:
    """A structural copy of `value`; a View inside becomes a plain dict."""
    kind = type(value)
    if kind is dict:
        return {key: copied(item) if type(item) in _CONTAINERS else item for key, item in value.items()}
    if kind is list:
        return [copied(item) if type(item) in _CONTAINERS else item for item in value]
    if kind is tuple:
        return tuple(copied(item) for item in value)
    if kind is View:
        return copied(value.copy())
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to the pipe: equal and of one type at every depth (True is not 1)."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is dict:
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if kind is list or kind is tuple:
        return len(one) == len(other) and all(map(same, one, other))
    try:
        return bool(one == other)
    except Exception:  # an object that cannot be compared (an array, say) counts as changed
        return False


def checked_data(data: Any) -> State:
    """The caller's data as a state of its own. Raises Misuse for what is no mapping or holds a reserved key."""
    if not isinstance(data, Mapping):
        raise Misuse(f"data must be a mapping, not {_kind(data)}", hint="pass a dict of names and values")
    _refuse_keys(data, "data")
    return {key: copied(value) for key, value in data.items()}


def changes_of(result: Any, state: Changes, path: str) -> State:
    """What a step's return value adds to `state`: its "outputs", else the keys whose value changed.

    Raises Misuse when it is neither a mapping nor None, or when "outputs" is used wrongly.
    """
    if result is None:
        return {}
    if type(result) is View:
        return _changed(result.touched(), state, path)
    if not isinstance(result, Mapping):
        raise Misuse(
            f"step {path} returned {_kind(result)}; a step returns a mapping or None",
            hint='return {"name": value}, or nothing',
        )
    if "outputs" not in result:
        return _changed(result.items(), state, path)
    outputs = result["outputs"]
    if outputs is None:
        return {}
    if not isinstance(outputs, Mapping):
        raise Misuse(
            f'step {path} returned "outputs" that is {_kind(outputs)}',
            hint='"outputs" holds the mapping that is passed along',
        )
    _refuse_keys(outputs, f"the outputs of step {path}")
    return {key: copied(value) for key, value in outputs.items()}


def merged(given: Iterable[tuple[str, Changes]]) -> State:
    """What steps side by side give together; `given` pairs each step's path with its changes.

    Raises Conflict when two give one key different values.
    """
    result: State = {}
    giver: dict[str, str] = {}
    for path, changes in given:
        for key, value in changes.items():
            if key in result and not same(result[key], value):
                raise Conflict(
                    f"steps {giver[key]} and {path} run side by side and give {key!r} different values",
                    hint="give the two results different names, or run the steps one after the other",
                )
            result[key] = value
            giver.setdefault(key, path)
    return result


def _changed(items: Iterable[tuple[Any, Any]], state: Changes, path: str) -> State:
    changes = {}
    for key, value in items:
        if key in state and same(state[key], value):
            continue
        if type(key) is not str or key == "outputs":
            _refuse_keys((key,), f"what step {path} returned")
        changes[key] = copied(value)
    return changes


def _refuse_keys(keys: Iterable[Any], where: str) -> None:
    for key in keys:
        if type(key) is not str:
            raise Misuse(f"key {key!r} in {where} is {_kind(key)}", hint="keys of the state are text")
        if key == "outputs":
            raise Misuse(f'the key "outputs" in {where} is reserved', hint="choose another name for it")


def _kind(value: Any) -> str:
    return f"of type {type(value).__name__}"
