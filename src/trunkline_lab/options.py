"""Options that every command of `trunkline lab` has, and the lab that they mean."""

from __future__ import annotations

from typing import Annotated

import typer

from . import process
from .home import Home
from .process import LabError

Name = Annotated[str, typer.Option(help="Which lab; several may be up side by side.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def home_of(name: str) -> Home:
    """The lab of this name, whether it is up or not."""
    try:
        return Home(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--name") from None


def living(name: str) -> Home:
    """The lab of this name. Raises LabError when it is not up."""
    home = home_of(name)
    if not home.alive():
        process.stop(home)  # what a dead one may have left
        raise LabError(f"lab {name} is not up", hint=f"trunkline lab up{'' if name == 'lab' else f' --name {name}'}")
    return home
