"""ClientToken and DryRun, for every EC2 operation that takes them."""

from __future__ import annotations

from trunkline_lab.aws.calls import Answer, Call, Handler, Refused

_MISMATCH = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
_DRY = "Request would have succeeded, but DryRun flag is set."


class Tokens:
    """The same token and arguments get the first answer again; other arguments are refused."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], tuple[dict[str, str], Answer]] = {}

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule."""
        token = call.form.get("ClientToken") if call.service == "ec2" else None
        if not token:
            return proceed(call)
        key = (call.account, call.region, call.operation, token)
        if key in self._seen:
            arguments, first = self._seen[key]
            if arguments != call.form:
                raise Refused("IdempotentParameterMismatch", _MISMATCH)
            return first
        given = proceed(call)
        if given.status < 400:
            self._seen[key] = (call.form, given)
        return given


def dry_run(call: Call, proceed: Handler) -> Answer:
    """DryRun says that the request would have succeeded, and nothing is made."""
    if call.service == "ec2" and call.form.get("DryRun", "").lower() == "true":
        raise Refused("DryRunOperation", _DRY, 412)
    return proceed(call)
