"""An Azure Resource Manager of our own on loopback: deployments, resources and their refusals."""
