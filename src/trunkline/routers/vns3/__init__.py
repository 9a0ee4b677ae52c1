"""VNS3, the virtual router of Cohesive Networks."""

from trunkline.routers.vns3.driver import Vns3

__all__ = ["Vns3"]
