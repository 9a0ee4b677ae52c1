"""AWS as a cloud of trunkline's: stacks through CloudFormation change sets, rules, routes and networks through EC2.

The SDK (boto3) is imported at the first request and not before.
"""

from trunkline.clouds.aws.plugin import AwsAccount, account

__all__ = ["AwsAccount", "account"]
