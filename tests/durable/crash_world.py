"""A world of files in which effects outlive the process that made them, and the reference pipe that works in it.

The world is strict, as clouds are: a thing with children cannot be deleted, tunnels and tokens need the access that is
open, a token gives the thing that it gave before. Reading lags: a thing is not found by the first look after it was
made. What a kill leaves is judged by what the world holds, never by what the journal says.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from functools import partial
from pathlib import Path

from trunkline import during, each, here, step
from trunkline.durable import journal as journal_module
from trunkline.durable import lease, runs
from trunkline.durable.store import Store


class Refusal(Exception):
    """The world says no."""


class World:
    """Things by id: kind, token, parent; a thing once made is counted for ever in `made`."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "world.json"
        self.one_at_a_time = threading.Lock()

    def read(self):
        try:
            return json.loads(self.file.read_text())
        except FileNotFoundError:
            return {"things": {}, "open": [], "looks": {}, "next": 1}

    def write(self, world):
        draft = self.file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(world))
        os.replace(draft, self.file)

    def change(self, do):
        """One effect: it happens whole or not at all, and the process may die before or after it."""
        with self.one_at_a_time:  # steps side by side are threads
            point(f"before {here().path}")
            world = self.read()
            answer = do(world)
            self.write(world)
            point(f"after {here().path}")
        return answer

    def make(self, kind, parent, needs_access, state):
        """A record is made anew each time, as by a provider that knows no tokens: only find keeps it from two."""
        token = here().token

        def do(world):
            if needs_access and "access" not in world["open"]:
                raise Refusal(f"{kind}: access is closed")
            if parent is not None and not any(one["kind"] == parent for one in world["things"].values()):
                raise Refusal(f"{kind}: there is no {parent}")
            for name, one in world["things"].items():
                if one["token"] == token and kind != "record":
                    return name
            name = f"{kind}-{world['next']}"
            world["next"] += 1
            world["things"][name] = {"kind": kind, "token": token, "parent": parent, "path": here().path}
            return name

        return {f"{here().path.rpartition('/')[2]}_id": self.change(do)}

    def find(self, state):
        """By token; the first look after a thing was made does not see it, but a record is seen at once."""
        token = here().token
        with self.one_at_a_time:
            world = self.read()
            for name, one in world["things"].items():
                if one["token"] == token:
                    world["looks"][name] = world["looks"].get(name, 0) + 1
                    self.write(world)
                    if world["looks"][name] > 1 or one["kind"] == "record":
                        return {f"{here().path.rpartition('/')[2]}_id": name}
        return None

    def delete(self, needs_access, state):
        token = here().token

        def do(world):
            if needs_access and "access" not in world["open"]:
                raise Refusal(f"{here().path}: access is closed")
            for name, one in list(world["things"].items()):
                if one["token"] == token:
                    if any(other["parent"] == one["kind"] for other in world["things"].values()):
                        raise Refusal(f"{name} has children")
                    del world["things"][name]

        self.change(do)

    def open(self, what, needs_access, state):
        def do(world):
            if needs_access and "access" not in world["open"]:
                raise Refusal(f"{what}: access is closed")
            if what in world["open"]:
                raise Refusal(f"{what} is open already: somebody went into an old scope, or forgot one")
            world["open"].append(what)

        self.change(do)
        return {f"{what}_key": "k"}

    def close(self, what, needs_access, state):
        def do(world):
            if needs_access and "access" not in world["open"]:
                raise Refusal(f"closing {what}: access is closed")
            if what in world["open"]:
                world["open"].remove(what)

        self.change(do)
        return 7  # what close returns is ignored, also when it is no mapping

    def touch(self, state):
        """An effect that is the same however often it happens, and needs the access."""

        def do(world):
            if "access" not in world["open"]:
                raise Refusal("configure: access is closed")
            assert state["router_id"] in world["things"]

        self.change(do)


def reference_pipe(world: World):
    """12 steps, two groups, a scope in a scope, an each of two."""

    def thing(kind, parent=None, needs_access=False):
        return step(
            partial(world.make, kind, parent, needs_access), undo=partial(world.delete, needs_access), find=world.find
        )

    return [
        ("config", lambda state: {"cidr": "10.1.0.0/16", "peers": [{"name": "x"}, {"name": "y"}]}),
        ("vpc", thing("vpc")),
        ("subnets", [("one", thing("subnet", "vpc")), ("two", thing("subnet", "vpc"))]),
        ("router", thing("router", "subnet")),
        ("routes", [("up", thing("route", "router")), ("down", thing("route", "router"))]),
        during(
            "access",
            open=partial(world.open, "access", False),
            close=partial(world.close, "access", False),
            steps=[
                ("configure", world.touch),
                each("tunnels", over="peers", steps=[("tunnel", thing("tunnel", "router", True))]),
                during(
                    "token",
                    open=partial(world.open, "token", True),
                    close=partial(world.close, "token", True),
                    steps=[("verify", world.touch)],
                ),
            ],
        ),
        ("record", thing("record", "vpc")),
    ]


EXPECTED = {"vpc": 1, "subnet": 2, "router": 1, "route": 2, "tunnel": 2, "record": 1}

_target: int | str = 0
_passed: list[str] = []


def point(name: str = "") -> None:
    """A place where the process may die: the one that is the target, by its number or its name, is."""
    if name in _passed and name:  # a scope's closing has the path of its opening
        name += ", again"
    _passed.append(name)
    if _target in (len(_passed), name or None):
        os.kill(os.getpid(), signal.SIGKILL)


def child(directory: Path, what: str, target: int | str = 0, plant=None) -> list[str] | None:
    """Forward, undo or pay in a child process that is killed at its target; None when it was killed.

    Otherwise the points it passed: the names of effects', "" for the journal's. How many of these there are is not
    the same in every life, as commits are shared. A child that fails in any other way raises here.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _work(directory, what, target, plant, writer)
    os.close(writer)
    with os.fdopen(reader) as told:
        answer = told.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    if not answer.startswith("["):
        raise AssertionError(answer)
    return list(json.loads(answer))


def _work(directory, what, target, plant, writer):
    global _target, _passed
    answer = ""
    try:
        if plant is not None:
            plant()
        _target, _passed = target, []
        append = Store.append

        def dying(self, *lines):
            point()
            answer = append(self, *lines)
            point()
            return answer

        Store.append = dying
        steps = reference_pipe(World(directory))
        words = {"journal": directory / "journal.db", "run": "acme"}
        if what == "forward":
            runs.pipe({"name": "acme"}, steps, **words)
        elif what == "undo":
            runs.undo(steps, **words)
        else:
            runs.pay(steps, **words)
        answer = json.dumps(_passed)
    except BaseException as error:
        answer = f"{what}: {error!r} {getattr(error, '__notes__', '')}"
    finally:
        os.write(writer, answer.encode())
        os._exit(0)


def judge_forward(directory: Path) -> None:
    """Everything is there, once, and nothing is open."""
    world = World(directory).read()
    kinds = [one["kind"] for one in world["things"].values()]
    assert {kind: kinds.count(kind) for kind in kinds} == EXPECTED, world
    assert len({one["path"] for one in world["things"].values()}) == len(kinds), world
    assert world["open"] == [], world


def judge_undone(directory: Path) -> None:
    """Nothing is there, and nothing is open."""
    world = World(directory).read()
    assert (world["things"], world["open"]) == ({}, []), world


__all__ = ["EXPECTED", "World", "child", "journal_module", "judge_forward", "judge_undone", "lease", "reference_pipe"]
