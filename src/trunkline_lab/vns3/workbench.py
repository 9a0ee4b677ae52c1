"""Factory-fresh controllers outside any cloud, for those who want to try the router's API alone."""

from __future__ import annotations

import secrets

from ..world import Machine, World


class Workbench:
    """A face without an API: machines that were put on the table, open to everybody.

    Parameters:
        world: The lab's common ground.
    """

    endpoint = ""

    def __init__(self, world: World) -> None:
        self._world = world
        self._machines: dict[str, Machine] = {}

    def put(self, name: str | None = None) -> Machine:
        """Put a fresh machine on the table; its controller boots soon.

        Parameters:
            name: What to call it; "router-1", "router-2", ... when none is given.

        Returns:
            The machine, with its public address and its factory password.
        """
        number = len(self._machines) + 1
        name = name or f"router-{number}"
        machine = Machine(
            id=f"workbench/{name}",
            name=name,
            account="workbench",
            network="table",
            private_address=f"192.168.100.{number + 9}",
            public_address=self._world.addresses.take(),
            default_password=f"vns3-{secrets.token_hex(6)}",
        )
        self._machines[machine.id] = machine
        self._world.changed()
        return machine

    def machines(self) -> list[Machine]:
        """All machines on the table."""
        return list(self._machines.values())

    def admits(self, machine: str, protocol: str, port: int, source: str) -> bool:
        """Everything; there is no cloud around the table."""
        return machine in self._machines
