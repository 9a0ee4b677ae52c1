"""Temporary access to the routers' API: for one caller, for minutes, with a way back to it; closed and seen closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from trunkline._core.context import here
from trunkline._core.errors import Error
from trunkline._core.steps import Node, Step, Steps, during, step
from trunkline.blueprints.equipment import template, together
from trunkline.clouds.cloud import Account, Rule

API_PORT = 8000
PURPOSE = "api-access"
LONGEST_ACCESS = 24 * 60  # minutes
STACK_GONE = 600.0  # seconds that the deletion of a stack may take when nobody is in a hurry
ROUTE_KEYS = {"RouteTableId": "router_route_table_id", "CallerPrefix": "caller"}

# An account, and the key of the state under which the id of its routers' group stands.
Door = tuple[Account, str]


def api_access(doors: Sequence[Door], *, minutes: int, steps: Steps) -> Node:
    """A scope in which the caller, and nobody else, reaches the API of the routers behind `doors`.

    Parameters:
        doors: Where to open: (account, key of the group's id in the state).
        minutes: After that time the rule counts as expired, and any sweep removes it. The state's "caller" is the
            caller's own prefix.
        steps: What needs the access.
    """
    if not 1 <= minutes <= LONGEST_ACCESS:
        length = "short" if minutes < 1 else "long"
        raise Error(f"access_minutes={minutes} is too {length}", hint=f"give whole minutes, 1 to {LONGEST_ACCESS}")
    needs = ["caller", *(key for _, key in doors)]
    return during(
        "api-access",
        open=step(partial(open_api, doors, minutes), needs=needs, gives=["api_access"]),
        close=step(partial(close_api, doors), needs=["caller"], gives=()),
        steps=steps,
    )


def route_stack(account: Account, name: str, keys: Mapping[str, str] = ROUTE_KEYS) -> Step:
    """The stack in which a route from a router's subnet to the caller is.

    Parameters:
        name: The stack's name.
        keys: The template's parameters, and the keys of the state under which their values stand.
    """
    return account.stack(template("caller-route", account), name=name, keys=keys)


def caller_route(stack: Step, *, steps: Steps, name: str = "caller-route") -> Node:
    """A scope in which a router's answers find the way back to the caller.

    Parameters:
        stack: What `route_stack` gave.
        steps: What needs the way.
        name: The scope's name.
    """
    assert stack.undo is not None
    return during(
        name,
        open=_telling(stack, "a route from the router's subnet to {caller}"),
        close=step(stack.undo, needs=(), gives=(), timeout=STACK_GONE),
        steps=steps,
    )


def _telling(opening: Step, text: str) -> Step:
    """`opening`, which in the end tells what stands open now: `text`, with the state's values in its {fields}."""

    def opened(state: dict[str, Any]) -> Any:
        given = opening.fn(state)
        here().note(text.format_map(state))
        return given

    return replace(opening, fn=opened)


def open_api(doors: Sequence[Door], minutes: int, state: dict[str, Any]) -> dict[str, Any]:
    """Permit tcp/8000 from the caller's prefix in every door's group, until `minutes` from now."""
    rule, run = Rule("tcp", API_PORT, state["caller"]), here().run
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)

    def allow(door: Door) -> None:
        account, key = door
        account.allow(state[key], rule, run=run, purpose=PURPOSE, expires=expires)

    here().note(f"{rule} in {' and '.join(account.name for account, _ in doors)}, {minutes} min at most")
    together(allow, doors)
    return {"api_access": [f"{account.name}: {rule} until {expires:%H:%M:%SZ}" for account, _ in doors]}


def close_api(doors: Sequence[Door], state: dict[str, Any]) -> None:
    """Take the permission back everywhere, and ask the clouds that it is gone. Raises Error when any is left."""
    rule, run = Rule("tcp", API_PORT, state["caller"]), here().run

    def revoke(door: Door) -> None:
        account, key = door
        if key in state:
            account.revoke(state[key], rule, run=run, purpose=PURPOSE)

    together(revoke, doors)
    accounts = {account.name: account for account, _ in doors}.values()
    left = [found for seen in together(lambda account: account.exposures(), accounts) for found in seen]
    mine = [f"{found.account}: {found.rule} in {found.group}" for found in left if found.run == run]
    if mine:
        raise Error(f"access is still open: {'; '.join(mine)}", hint=f"trunkline sweep --run {run}")
