"""Azure: accounts of one subscription and resource group, through the official SDKs.

`account` is the factory. No SDK is imported before the first request is made.
"""

from trunkline.clouds.azure.account import AzureAccount, account

__all__ = ["AzureAccount", "account"]
