"""Pipelines by name: what is installed as an entry point, or a function in a file of the user's."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from trunkline._core.errors import Error, Misuse
from trunkline.config import nearest

GROUP = "trunkline.pipelines"
Pipeline = Callable[..., Any]


class UnknownPipeline(Error):
    """There is no pipeline of that name, or none in that file."""


class Refused(Error):
    """A pipeline's function refused its options; nothing was touched."""


def installed() -> dict[str, EntryPoint]:
    """The installed pipelines by name, sorted. Loads none of them."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def find(reference: str) -> Pipeline:
    """The pipeline's function: `connect-vpc`, or `path/to/file.py:function`.

    Raises:
        UnknownPipeline: There is none, or what is there is no function.
        Whatever the file raises when it is loaded.
    """
    path, colon, name = reference.rpartition(":")
    found = _in_file(Path(path), name) if colon or reference.endswith(".py") else _installed(reference)
    if not callable(found):
        raise UnknownPipeline(f"pipeline {reference!r} is no function", hint="name a function that returns the steps")
    return found  # type: ignore[no-any-return]


def short_name(reference: str) -> str:
    """The pipeline's own name, without the file: `examples/essay.py:deploy_vpc` is `deploy-vpc`."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", reference.rpartition(":")[2]).strip("-") or "run"


def parts(made: Any, reference: str) -> tuple[Any, Mapping[str, Any]]:
    """The steps and the data in what a pipeline's function returned: a list of steps, or (steps, data).

    Raises:
        Misuse: It is neither.
    """
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], Mapping):
        return made[0], made[1]
    if isinstance(made, list):
        return made, {}
    raise Misuse(
        f"pipeline {reference!r} returned {type(made).__name__}", hint="return a list of steps, or (steps, data)"
    )


def summary(fn: Pipeline) -> str:
    """The first line of the function's docstring."""
    return (inspect.getdoc(fn) or "").partition("\n")[0]


def _installed(name: str) -> Any:
    known = installed()
    if name not in known:
        raise UnknownPipeline(
            f"there is no pipeline {name!r}", hint=f"{nearest(name, known, 'pipelines')}; or name FILE.py:FUNCTION"
        )
    return known[name].load()


def _in_file(path: Path, name: str) -> Any:
    if path == Path():  # "file.py" without a function
        path, name = Path(name), ""
    if not path.is_file():
        raise UnknownPipeline(f"pipeline file {path} is not there", hint="name FILE.py:FUNCTION")
    module = _load(path)
    functions = {
        key: value
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not key.startswith("_")
    }
    if name and hasattr(module, name):
        return getattr(module, name)
    raise UnknownPipeline(
        f"{path} has no function {name!r}" if name else f"{path}: which function of it?",
        hint=f"{nearest(name, functions, f'functions in {path.name}')}; name {path}:FUNCTION",
    )


def _load(path: Path) -> Any:
    """The file as a module, with its directory importable, as when Python runs it."""
    directory = str(path.resolve().parent)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    if spec is None or spec.loader is None:
        raise UnknownPipeline(f"{path} is no Python file", hint="its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
