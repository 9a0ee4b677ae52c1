"""Tags that are AWS's own: keys that begin with "aws:", which CloudFormation gives and nobody else may.

Source: Amazon EC2 User Guide, "Tag your Amazon EC2 resources"
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html); the words are from users' reports.
"""

from __future__ import annotations

import re

from trunkline_lab.aws.calls import Answer, Call, Handler, Refused

_KEY = re.compile(r"(.+\.)?Tag\.\d+\.Key")


def reserved(call: Call, proceed: Handler) -> Answer:
    """Refuse a caller's own request that gives or takes such a tag."""
    if call.service == "ec2" and not call.via:
        for name, value in call.form.items():
            if value.lower().startswith("aws:") and _KEY.fullmatch(name):
                raise Refused("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
    return proceed(call)
