"""ARM's REST API, with every handler registered."""

# A path goes to the first handler that fits, and those of resources of every type fit most: they come last.
from trunkline_lab.azure import deployments_api, groups_api, operations_api, resources_api
from trunkline_lab.azure.routing import Api

__all__ = ["Api", "deployments_api", "groups_api", "operations_api", "resources_api"]
