"""An Azure Resource Manager of our own on loopback: deployments, resources and their refusals."""

from trunkline_lab.azure.errors import ArmError, Lost
from trunkline_lab.azure.face import SUBSCRIPTION, TENANT, AzureFace
from trunkline_lab.azure.http import Answer, Call, Hook

__all__ = ["SUBSCRIPTION", "TENANT", "Answer", "ArmError", "AzureFace", "Call", "Hook", "Lost"]
