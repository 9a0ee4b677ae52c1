"""What a pipe is made of: steps, steps side by side, scopes, and the same steps for every item of a list.

Everything is a Node. A node says what it is made of (`parts`) and how it runs (`run`), in the words that the
walk offers at its place (`at`); so a third party adds an idiom of its own in a few lines.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Protocol, runtime_checkable

from trunkline._core.errors import Conflict, Misuse
from trunkline._core.events import Outline
from trunkline._core.fields import Field
from trunkline._core.state import Changes, State, merged

Result = Mapping[str, Any] | None
StepFunction = Callable[[State], Result | Awaitable[Result]]
Fields = Mapping[str, Field]


class At(Protocol):
    """A node's place in a running pipe, and what it may do there."""

    path: str

    async def walk(self, steps: Steps, state: Mapping[str, Any]) -> Changes:
        """Run steps one after the other; answers what they changed together."""
        ...

    async def gather(self, parts: Sequence[tuple[str, Node | Steps, Mapping[str, Any]]]) -> list[Changes]:
        """Run parts side by side, each (suffix of the path, steps, state); answers what each changed."""
        ...

    async def leaf(self, step: Step, state: Mapping[str, Any]) -> Changes:
        """Run one step here; answers what it changed."""
        ...

    async def scope(self, opening: Step, closing: Step, steps: Steps, state: Mapping[str, Any]) -> Changes:
        """Open, run the steps, and close whatever happened; answers what the steps changed."""
        ...


@runtime_checkable
class Node(Protocol):
    """One element of a pipe."""

    @property
    def name(self) -> str:
        """Its name, unique among its siblings."""
        ...

    def parts(self) -> Steps:
        """What it is made of, for those who look before anything runs."""
        ...

    async def run(self, state: Mapping[str, Any], at: At) -> Changes:
        """Do it; answers the keys that changed."""
        ...


Steps = Sequence[Any]  # of Node, (name, callable) or (name, [callables side by side])


@dataclass(frozen=True, slots=True)
class Step:
    """A callable that also knows how to be undone, found, previewed and checked; see `step`."""

    fn: StepFunction
    undo: StepFunction | None = None
    find: StepFunction | None = None
    preview: Callable[[State], str] | None = None
    needs: Fields | None = None
    gives: Fields | None = None
    timeout: float | None = None
    in_use: Callable[[State], str | None] | None = None
    asynchronous: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "asynchronous", is_async(self.fn))

    def __call__(self, state: State) -> Result | Awaitable[Result]:
        """Call the step's function, as if it stood there by itself."""
        return self.fn(state)


def step(
    fn: StepFunction,
    *,
    undo: StepFunction | None = None,
    find: StepFunction | None = None,
    preview: Callable[[State], str] | None = None,
    needs: Fields | Iterable[str] | None = None,
    gives: Fields | Iterable[str] | None = None,
    timeout: float | None = None,
    in_use: Callable[[State], str | None] | None = None,
) -> Step:
    """Make of `fn` a step that also knows how to be undone, found, previewed and checked.

    Parameters:
        fn: Takes the state (a dict of its own), returns a mapping of what it adds, or None. May be async.
        undo: Takes back what fn did; sees the state before the step plus the step's outputs where known.
            Must accept that there is nothing to undo.
        find: Looks for what an earlier attempt made; answers the step's outputs, or None.
        preview: Says in text what fn would do; changes nothing.
        needs: The keys that fn reads, with how their values must parse; None when that is not known.
        gives: The keys that fn adds; None when that is not known.
        timeout: Seconds that fn may take, after which StepTimeout is raised.
        in_use: Says who still depends on what fn made, None when nobody does; sees what undo sees. It is asked before
            an undo of the run touches anything; where it says who, the run is left as it was. A plain function.

    Returns:
        A Step: use it wherever a callable stands in a pipe.

    Raises:
        Misuse: something given is not callable, or the timeout is not positive.
    """
    parts = {"fn": fn, "undo": undo, "find": find, "preview": preview, "in_use": in_use}
    for name, part in parts.items():
        if not callable(part) and (part is not None or name == "fn"):
            raise Misuse(f"step: {name}={part!r} is not callable", hint=f"pass a function as {name}")
    if timeout is not None and (not isinstance(timeout, (int, float)) or not timeout > 0):
        raise Misuse(
            f"step: timeout={timeout!r} is not a positive number of seconds", hint="give seconds, or leave it out"
        )
    return Step(fn, undo, find, preview, _fields(needs, "needs"), _fields(gives, "gives"), timeout, in_use)


def nothing(state: State) -> None:
    """The undo of a step that has nothing to take back: its effect goes with what an earlier step made."""


class Leaf:
    """One named step."""

    __slots__ = ("name", "step")

    def __init__(self, name: str, step: Step) -> None:
        self.name, self.step = name, step

    def parts(self) -> Steps:
        return ()

    async def run(self, state: Mapping[str, Any], at: At) -> Changes:
        return await at.leaf(self.step, state)


class Group:
    """Steps side by side: all see the same state, none sees a sibling."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: Nodes) -> None:
        self.name, self.members = name, members

    def parts(self) -> Steps:
        return self.members

    async def run(self, state: Mapping[str, Any], at: At) -> Changes:
        given = await at.gather([(f"/{node.name}", node, state) for node in self.members])
        return merged((f"{at.path}/{node.name}", changes) for node, changes in zip(self.members, given, strict=True))


class During:
    """A scope; see `during`."""

    def __init__(self, name: str, opening: Step, closing: Step, steps: Nodes) -> None:
        self.name, self.opening, self.closing, self.steps = name, opening, closing, steps

    def parts(self) -> Steps:
        return self.steps

    async def run(self, state: Mapping[str, Any], at: At) -> Changes:
        return await at.scope(self.opening, self.closing, self.steps, state)


class Each:
    """The same steps for every item; see `each`."""

    def __init__(self, name: str, over: str | Callable[[State], Iterable[Any]], steps: Nodes) -> None:
        self.name, self.over, self.steps = name, over, steps

    def parts(self) -> Steps:
        return self.steps

    async def run(self, state: Mapping[str, Any], at: At) -> Changes:
        items = keyed_items(self.items(state, at.path), at.path)
        given = await at.gather([(f"[{key}]", self.steps, {**state, "item": item}) for key, item in items.items()])
        return {self.name: {key: dict(changes) for key, changes in zip(items, given, strict=True)}}

    def items(self, state: Mapping[str, Any], path: str) -> Iterable[Any]:
        """The list to go over. Raises Misuse when the state has none."""
        if callable(self.over):
            return self.over(dict(state))
        if self.over not in state:
            raise Misuse(f"each {path}: the state has no key {self.over!r}", hint="give it in data or in a step before")
        items = state[self.over]
        if isinstance(items, Mapping):
            return [{"key": key, **item} if isinstance(item, Mapping) else key for key, item in items.items()]
        if isinstance(items, str) or not isinstance(items, Iterable):
            raise Misuse(f"each {path}: {self.over!r} is of type {type(items).__name__}, not a list")
        return items


def during(name: str, *, open: Any, close: Any, steps: Steps) -> Node:
    """A scope: what `open` opened is closed, whatever happens to the steps inside.

    From before `open` is called, closing is owed: `close` runs when the steps end, fail, or are interrupted, also
    when open itself failed. What open gives is seen by the steps inside and by close, and ends with the scope;
    what the steps give goes on. What close returns is ignored.

    Parameters:
        name: The scope's name, unique among its siblings.
        open: Callable of the state; what it returns lives inside only.
        close: Callable of the state before the scope plus what open gave; must accept "not there".
        steps: The steps inside.

    Raises:
        Misuse: a part is wrong; says which.
    """
    return During(_named(name), as_step(open, f"{name}: open"), as_step(close, f"{name}: close"), nodes(steps, name))


def each(name: str, *, over: str | Callable[[State], Iterable[Any]], steps: Steps) -> Node:
    """The same steps for every item of a list, side by side.

    Inside, the state holds the item as "item". Afterwards the state holds, under `name`, a dict of what each
    item's steps gave, by the item's key: its own name, id or key, or the item itself when it is text or a number.

    Parameters:
        name: The name, unique among its siblings; also the key of what it gives.
        over: The state's key that holds the list (or dict) of items, or a callable of the state that answers it.
        steps: The steps for one item.

    Raises:
        Misuse: a part is wrong; says which. When it runs: two items have the same key (Conflict).
    """
    if not callable(over) and not isinstance(over, str):
        raise Misuse(f"each {name}: over={over!r} is neither a key of the state nor a callable")
    return Each(_named(name), over, nodes(steps, name))


class Nodes(tuple[Node, ...]):
    """Steps that were read and found well-formed."""

    __slots__ = ()


def nodes(steps: Any, where: str = "the pipe") -> Nodes:
    """Read steps as they are written into nodes. Raises Misuse naming what is wrong and its remedy."""
    if type(steps) is Nodes:
        return steps
    if type(steps) not in (list, tuple) and isinstance(steps, Node):  # asking a Protocol is slow
        return Nodes((steps,))
    if isinstance(steps, str) or not isinstance(steps, Iterable):
        raise Misuse(f"{where}: steps={steps!r} is not a list of steps", hint='write [("name", callable), ...]')
    return _unique(Nodes(_node(item, where) for item in steps), where)


def as_step(thing: Any, where: str) -> Step:
    """`thing` as a Step. Raises Misuse when it is not callable."""
    if type(thing) is Step:
        return thing
    if not callable(thing):
        raise Misuse(f"{where} is {thing!r}, which is not callable", hint="bind a function, with functools.partial")
    return Step(thing)


def is_async(fn: Any) -> bool:
    """Whether calling `fn` gives a coroutine, also behind partials and `__call__`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    if isinstance(fn, Step):
        return fn.asynchronous
    if type(fn) is FunctionType:  # most are: no need to look for a __call__ of its own
        return inspect.iscoroutinefunction(fn)
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(type(fn), "__call__", None))  # noqa: B004


def outline(steps: Steps) -> tuple[Outline, ...]:
    """The shape of steps, before anything runs."""
    kinds = {Leaf: "step", During: "scope"}
    return tuple(
        Outline(node.name, kinds.get(type(node), type(node).__name__.lower()), outline(node.parts()))
        for node in nodes(steps)
    )


def keyed_items(items: Iterable[Any], where: str) -> dict[str, Any]:
    """Items by their own key, never by their place. Raises Misuse for one without a key, Conflict for two alike."""
    found: dict[str, Any] = {}
    for item in items:
        key = _item_key(item, where)
        if key in found:
            raise Conflict(f"each {where}: two items have the key {key!r}", hint="an item's name, id or key is its own")
        found[key] = item
    return found


def _item_key(item: Any, where: str) -> str:
    from urllib.parse import quote  # on first need

    words = ("name", "id", "key")
    own = [item.get(word) if isinstance(item, Mapping) else getattr(item, word, None) for word in words]
    for name in [item, *own]:
        if isinstance(name, (str, int)) and not isinstance(name, bool) and name != "":
            return quote(str(name), safe=" .:,@+=()")  # "/" and "[" would break the path
    raise Misuse(
        f"each {where}: the item {item!r} has no name, id or key", hint="its place in the list may change: name it"
    )


def _node(item: Any, where: str) -> Node:
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):
        name, body = _named(item[0]), item[1]
        if isinstance(body, (list, tuple)):
            return Group(name, _members(body, name))
        return Leaf(name, as_step(body, f"step {name}"))
    if isinstance(item, Node) and not isinstance(item, type):
        _named(item.name)
        return item
    raise Misuse(
        f"{where}: {item!r} is no step", hint='a step is ("name", callable), ("name", [callables]), during or each'
    )


def _members(body: Sequence[Any], where: str) -> Nodes:
    """Steps side by side may stand without a name: a function brings its own."""
    if not body:
        raise Misuse(f"{where}: a list without steps", hint="put callables into it, or leave it out")
    return _unique(
        Nodes(
            Leaf(_own_name(item, where), as_step(item, where))
            if callable(item) and not isinstance(item, Node)
            else _node(item, where)
            for item in body
        ),
        where,
        hint='give them names: ("name", [("one", callable), ("other", callable)])',
    )


def _own_name(fn: Any, where: str) -> str:
    while isinstance(fn, (functools.partial, Step)):
        fn = fn.func if isinstance(fn, functools.partial) else fn.fn
    name = getattr(fn, "__name__", type(fn).__name__).strip("<>")
    return _named(name, where)


def _unique(found: Nodes, where: str, hint: str = "every step needs a name of its own") -> Nodes:
    names: set[str] = set()
    for node in found:
        if node.name in names:
            raise Misuse(f"{where}: two steps are named {node.name!r}", hint=hint)
        names.add(node.name)
    return found


def _named(name: Any, where: str = "a step") -> str:
    if not isinstance(name, str) or not name or not name.isprintable():
        raise Misuse(f"{where} is named {name!r}", hint="a name is printable text, not empty")
    for mark in "/#[~":
        if mark in name:
            raise Misuse(f"the name {name!r} contains {mark!r}", hint="/ # [ and ~ separate the parts of a path")
    return name


def _fields(keys: Fields | Iterable[str] | None, what: str) -> Fields | None:
    if keys is None:
        return None
    if isinstance(keys, str):
        raise Misuse(f"step: {what}={keys!r} is one text", hint=f'write {what}=["{keys}"]')
    if isinstance(keys, Mapping):
        for key, field in keys.items():
            if not isinstance(field, Field):
                raise Misuse(
                    f"step: {what}[{key!r}]={field!r} is no Field", hint=f'write Field("cidr"), or {what}=["{key}"]'
                )
        return dict(keys)
    return {key: Field() for key in keys}
