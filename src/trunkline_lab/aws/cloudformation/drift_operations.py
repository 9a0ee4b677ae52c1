"""CloudFormation's operations that find drift."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from trunkline_lab.aws.calls import Call, now
from trunkline_lab.aws.cloudformation import describe, drift
from trunkline_lab.aws.cloudformation.drift import Detection
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.operations import Operations
from trunkline_lab.aws.cloudformation.records import Built, Drift
from trunkline_lab.aws.cloudformation.setting import Stopped
from trunkline_lab.aws.cloudformation.stack import Stack

_STABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"}


class DriftOperations(Operations):
    """DetectStackDrift to DescribeStackResourceDrifts."""

    def detect_stack_drift(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DetectStackDrift: of all resources whose drift can be detected, or of the named ones."""
        stack = self._stable(call, params["StackName"])
        named = params.get("LogicalResourceIds") or list(stack.resources)
        for name in named:
            self._resource(stack, name)
        found = Detection(str(uuid.uuid4()), stack)
        self.setting.detections[found.id] = found
        wanted = [stack.resources[name] for name in named if drift.can_check(stack.resources[name])]
        threading.Thread(target=self._search, args=(found, wanted), name="stack-drift", daemon=True).start()
        return {"StackDriftDetectionId": found.id}

    def describe_stack_drift_detection_status(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeStackDriftDetectionStatus."""
        found = self.setting.detections.get(params["StackDriftDetectionId"])
        if found is None or (found.stack.account, found.stack.region) != (call.account, call.region):
            raise invalid(f"Drift detection with id {params['StackDriftDetectionId']} does not exist")
        shown: dict[str, Any] = {
            "StackId": found.stack.id,
            "StackDriftDetectionId": found.id,
            "DetectionStatus": found.status,
            "Timestamp": found.begun,
        }
        if found.status == "DETECTION_COMPLETE":
            shown |= {"StackDriftStatus": found.stack.drift, "DriftedStackResourceCount": found.drifted}
        return shown | ({"DetectionStatusReason": found.reason} if found.reason else {})

    def detect_stack_resource_drift(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DetectStackResourceDrift: of one resource, at once."""
        stack = self._stable(call, params["StackName"])
        built = self._resource(stack, params["LogicalResourceId"])
        if not drift.can_check(built):
            raise invalid(f"The lab does not detect drift of {built.type} (resource {built.name}).")
        found = self._detect(stack, built)
        return {"StackResourceDrift": describe.masked(stack, drift.described(stack, built, found))}

    def describe_stack_resource_drifts(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeStackResourceDrifts: what the last detection found, resource by resource."""
        stack = self._must_find(call, params["StackName"])
        wanted = params.get("StackResourceDriftStatusFilters")
        found = [
            describe.masked(stack, drift.described(stack, built, built.drift))
            for built in stack.resources.values()
            if built.drift is not None and (not wanted or built.drift.status in wanted)
        ]
        return describe.page("StackResourceDrifts", found, params)

    def _stable(self, call: Call, name: str) -> Stack:
        stack = self._must_find(call, name)
        if stack.status not in _STABLE:
            raise invalid(f"Drift detection cannot be performed on stack {stack.name} in {stack.status} state.")
        return stack

    @staticmethod
    def _resource(stack: Stack, name: str) -> Built:
        if name not in stack.resources:
            raise invalid(f"Resource {name} does not exist for stack {stack.name}")
        return stack.resources[name]

    def _detect(self, stack: Stack, built: Built) -> Drift:
        tags = stack.desired.tags if stack.desired else {}
        built.drift = drift.detect(
            lambda service: self.setting.clients.client(service, stack.account, stack.region), built, tags
        )
        return built.drift

    def _search(self, found: Detection, wanted: list[Built]) -> None:
        try:
            self.setting.wait()
            seen = [self._detect(found.stack, built) for built in wanted]
        except Stopped:
            return
        except Exception as error:
            found.status, found.reason = "DETECTION_FAILED", f"Internal Failure: {error!r}"
            raise
        found.drifted = sum(each.status != "IN_SYNC" for each in seen)
        found.stack.drift = "DRIFTED" if found.drifted else "IN_SYNC"
        found.stack.drift_checked = now()
        found.status = "DETECTION_COMPLETE"
