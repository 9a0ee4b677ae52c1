"""The lab's AWS: a face that the official SDK cannot tell from the real one. Start with `AwsFace`."""

from trunkline_lab.aws import light  # noqa: F401 (it comes before all that loads moto)
from trunkline_lab.aws.face import LINUX_IMAGE, ROUTER_IMAGE, AwsFace

__all__ = ["LINUX_IMAGE", "ROUTER_IMAGE", "AwsFace"]
