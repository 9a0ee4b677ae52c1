"""Checks of EC2's requests against what there is, before moto sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler

Form = dict[str, str]
# Takes moto's EC2 of the caller's account and region, and the request's form; raises Refused.
Check = Callable[[Any, Form], None]


class Checks:
    """A rule: the check of an operation comes before it.

    Parameters:
        backend: Has moto's state.
        checks: By operation.
    """

    def __init__(self, backend: Backend, checks: Mapping[str, Check]) -> None:
        self._backend, self._checks = backend, checks

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        check = self._checks.get(call.operation) if call.service == "ec2" else None
        if check:
            check(self._backend.ec2(call.account, call.region), call.form)
        return proceed(call)
