"""moto's EC2, loaded without the lists of which zone offers which instance type: a fifth of the lab's memory.

moto reads all 90 of them when it is imported. Here each is read when it is first asked for. Importing this module does
it, so it comes before everything that imports moto's EC2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from moto.utilities import utils

_FOLDER = "resources/instance_type_offerings"


class _Regions(Mapping[str, list[dict[str, Any]]]):
    """The offerings of one kind of location, by region."""

    def __init__(self, location: str, regions: frozenset[str]) -> None:
        self._location, self._regions = location, regions
        self._read: dict[str, list[dict[str, Any]]] = {}

    def __getitem__(self, region: str) -> list[dict[str, Any]]:
        if region not in self._regions:
            raise KeyError(region)
        if region not in self._read:
            found = utils.load_resource(f"ec2/{_FOLDER}/{self._location}/{region}.json")
            self._read[region] = [{**each, "LocationType": self._location} for each in found]
        return self._read[region]

    def __iter__(self) -> Iterator[str]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)


def _load() -> None:
    real = utils.load_resource

    def without_offerings(resource: str) -> Any:
        return [] if _FOLDER in resource else real(resource)

    utils.load_resource = without_offerings
    try:
        module: Any = import_module("moto.ec2.models.instance_types")
    finally:
        utils.load_resource = real
    offered = module.INSTANCE_TYPE_OFFERINGS
    for location, regions in offered.items():
        if not any(regions.values()):  # else moto was imported before, whole
            offered[location] = _Regions(location, frozenset(regions))


_load()
