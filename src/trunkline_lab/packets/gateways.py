"""All gateways of a fabric: started, changed and ended as the plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .gateway import Gateway
from .gateway_plans import gateway_plans
from .plan import GatewayPlan, GatewayState, Place, Plan

_SIDE_BY_SIDE = 4


class RealGateways:
    """`plan.Gateways`, with a charon and a bird each.

    Parameters:
        directory: For the daemons' files; not under /run, and short: a socket's path has at most 107 characters.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._gateways: dict[str, Gateway] = {}
        self._count = 0

    def retire(self, places: Mapping[str, Place]) -> None:
        """See `plan.Gateways.retire`."""
        leaving = [id_ for id_, gateway in self._gateways.items() if places.get(id_) != gateway.place]
        _all([self._gateways.pop(id_).stop for id_ in leaving])

    def apply(self, plan: Plan, places: Mapping[str, Place]) -> None:
        """See `plan.Gateways.apply`."""
        wanted = {id_: each for id_, each in gateway_plans(plan).items() if id_ in places}
        self.retire({id_: places[id_] for id_ in wanted})
        new = [self._gateway(wanted[id_], places[id_]) for id_ in wanted if id_ not in self._gateways]
        # All daemons run before the first one asks another for a tunnel: else it is refused, and waits to ask again.
        try:
            _all([gateway.start for gateway in new])
        except BaseException:
            _all([self._gateways.pop(gateway.plan.id).stop for gateway in new])
            raise
        _all(
            [*(gateway.begin for gateway in new), *(partial(self._gateways[id_].apply, wanted[id_]) for id_ in wanted)]
        )

    def state(self) -> tuple[GatewayState, ...]:
        """See `plan.Gateways.state`."""
        return tuple(gateway.state() for gateway in list(self._gateways.values()))

    def renegotiate(self, gateway: str, tunnel: str | None = None) -> None:
        """See `plan.Gateways.renegotiate`."""
        if gateway in self._gateways:
            self._gateways[gateway].renegotiate(tunnel)

    def fault(self, gateway: str, kind: str, tunnel: str | None = None) -> None:
        """See `plan.Gateways.fault`. Raises KeyError for an unknown gateway or tunnel, ValueError for another kind."""
        self._gateways[gateway].fault(kind, tunnel)

    def mend(self, gateway: str | None = None) -> None:
        """See `plan.Gateways.mend`. Raises KeyError for an unknown gateway."""
        for each in self._gateways.values() if gateway is None else [self._gateways[gateway]]:
            each.mend()

    def stop(self) -> None:
        """See `plan.Gateways.stop`."""
        _all([gateway.stop for gateway in self._gateways.values()])
        self._gateways.clear()

    def _gateway(self, plan: GatewayPlan, place: Place) -> Gateway:
        self._count += 1
        gateway = self._gateways[plan.id] = Gateway(plan, place, self._directory / str(self._count))
        return gateway


def _all(jobs: Iterable[Callable[[], None]]) -> None:
    """Do them side by side, all of them; then raise the first failure, if any."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        running = [pool.submit(job) for job in jobs]
    for job in running:
        job.result()
