"""The lab's AWS: a face that the official SDK cannot tell from the real one. Start with `AwsFace`."""

from trunkline_lab.aws.face import ROUTER_IMAGE, AwsFace

__all__ = ["ROUTER_IMAGE", "AwsFace"]
