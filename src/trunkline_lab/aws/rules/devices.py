"""Block devices that EC2 takes at launch and moto refuses: the instance store, and the image's own root.

Sources: "Block device mappings for volumes on Amazon EC2 instances" (the mapping of a virtual device has no Ebs);
hashicorp/packer#7802 (only a device that the image does not have needs a size or a snapshot).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler

_SIZED = {"VolumeSize", "SnapshotId"}
_ROOT_SIZE = 8  # moto's images have no volumes; this is the size that it gives an instance's root.


class Devices:
    """Hand a launch on with its block devices as moto takes them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        mappings = call.params.get("BlockDeviceMappings") if call.operation == "RunInstances" else None
        if call.service != "ec2" or not mappings:
            return proceed(call)
        image = self._backend.ec2(call.account, call.region).amis.get(call.form.get("ImageId"))
        root = image.root_device_name if image else ""
        return proceed(replace(call, body=urlencode({**call.form, **dict(_added(mappings, root))}).encode()))


def _added(mappings: list[dict[str, Any]], root: str) -> Iterator[tuple[str, str]]:
    """The fields to add to a launch."""
    for number, mapping in enumerate(mappings, 1):
        field, volume = f"BlockDeviceMapping.{number}", mapping.get("Ebs")
        if volume is None and "VirtualName" in mapping:
            # It makes no volume, and EC2 shows none.
            yield f"{field}.NoDevice", ""
        elif volume is not None and mapping.get("DeviceName") == root and not _SIZED & volume.keys():
            yield f"{field}.Ebs.VolumeSize", str(_ROOT_SIZE)
