"""Stacks, resources, events and change sets in the shapes of the API."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation import parameters
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.language import Template
from trunkline_lab.aws.cloudformation.records import Built, Desired, Event, Output
from trunkline_lab.aws.cloudformation.stack import ChangeSet, Stack

PAGE = 100


def page(key: str, found: list[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a list under `key`, with the token of the next.

    The token counts from the end, so that events that come meanwhile (at the front) move nothing.
    """
    start = 0
    if params.get("NextToken"):
        try:
            start = max(0, len(found) - int(base64.b64decode(params["NextToken"])))
        except ValueError:
            raise invalid("The NextToken is not valid.") from None
    size = min(int(params.get("MaxResults", PAGE)), PAGE)
    chosen, left = found[start : start + size], len(found) - start - size
    more = {"NextToken": base64.b64encode(str(left).encode()).decode()} if left > 0 else {}
    return {key: chosen, **more}


def stack(each: Stack) -> dict[str, Any]:
    """A stack as DescribeStacks shows it."""
    shown: dict[str, Any] = {
        "StackId": each.id,
        "StackName": each.name,
        "CreationTime": each.created,
        "StackStatus": each.status,
        "DisableRollback": each.on_failure == "DO_NOTHING",
        "NotificationARNs": list(each.notify),
        "EnableTerminationProtection": each.protected,
        "DriftInformation": _drift(each),
        "RollbackConfiguration": {},
        "Outputs": [_output(output) for output in each.outputs],
    }
    shown |= _desired(each.desired)
    if each.desired and each.desired.template.description:
        shown["Description"] = each.desired.template.description
    optional = {
        "StackStatusReason": each.reason,
        "LastUpdatedTime": each.updated,
        "DeletionTime": each.deleted,
        "RoleARN": each.role,
        "TimeoutInMinutes": each.minutes,
        "ParentId": each.parent,
        "RootId": each.root,
        "ChangeSetId": each.change_set,
    }
    return shown | {key: value for key, value in optional.items() if value}


def summary(each: Stack) -> dict[str, Any]:
    """A stack as ListStacks shows it."""
    described = each.desired.template.description if each.desired else ""
    optional = {
        "StackStatusReason": each.reason,
        "LastUpdatedTime": each.updated,
        "DeletionTime": each.deleted,
        "TemplateDescription": described,
        "ParentId": each.parent,
        "RootId": each.root,
    }
    return {
        "StackId": each.id,
        "StackName": each.name,
        "CreationTime": each.created,
        "StackStatus": each.status,
        "DriftInformation": _drift(each),
        **{key: value for key, value in optional.items() if value},
    }


def event(each: Stack, happened: Event) -> dict[str, Any]:
    """One event."""
    shown: dict[str, Any] = {
        "StackId": each.id,
        "StackName": each.name,
        "EventId": happened.id,
        "LogicalResourceId": happened.logical,
        "PhysicalResourceId": happened.physical,
        "ResourceType": happened.type,
        "Timestamp": happened.when,
        "ResourceStatus": happened.status,
    }
    if happened.properties:
        shown["ResourceProperties"] = json.dumps(masked(each, happened.properties), default=repr)
    optional = {"ResourceStatusReason": happened.reason, "ClientRequestToken": happened.token}
    return shown | {key: value for key, value in optional.items() if value}


def masked(each: Stack, value: Any) -> Any:
    """A value of a resource's property without what NoEcho parameters hide."""
    if isinstance(value, Mapping):
        return {key: masked(each, item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(each, item) for item in value]
    for hidden in _hidden(each) if isinstance(value, str) else ():
        value = value.replace(hidden, parameters.HIDDEN)
    return value


def _hidden(each: Stack) -> list[str]:
    if each.desired is None:
        return []
    declared = each.desired.template.parameters
    return [text for name, text in each.desired.texts.items() if text and parameters.hidden(declared[name])]


def resource(each: Stack, built: Built) -> dict[str, Any]:
    """One resource; the describing operations take from it what their shapes have."""
    shown: dict[str, Any] = {
        "StackId": each.id,
        "StackName": each.name,
        "LogicalResourceId": built.name,
        "PhysicalResourceId": built.physical,
        "ResourceType": built.type,
        "Timestamp": built.updated,
        "LastUpdatedTimestamp": built.updated,
        "ResourceStatus": built.status,
        "DriftInformation": {"StackResourceDriftStatus": built.drift.status if built.drift else "NOT_CHECKED"},
    }
    if built.drift:
        shown["DriftInformation"]["LastCheckTimestamp"] = built.drift.when
    if each.desired and built.name in each.desired.template.resources:
        metadata = each.desired.template.resources[built.name].metadata
        shown |= {"Metadata": json.dumps(metadata)} if metadata else {}
    return shown | ({"ResourceStatusReason": built.reason} if built.reason else {})


def change_set(each: Stack, found: ChangeSet) -> dict[str, Any]:
    """A change set without its changes."""
    return change_set_summary(each, found) | _desired(found.desired) | {"NotificationARNs": list(each.notify)}


def change_set_summary(each: Stack, found: ChangeSet) -> dict[str, Any]:
    """A change set as ListChangeSets shows it."""
    shown: dict[str, Any] = {
        "StackId": each.id,
        "StackName": each.name,
        "ChangeSetId": found.id,
        "ChangeSetName": found.name,
        "CreationTime": found.created,
        "Status": found.status,
        "ExecutionStatus": found.execution,
        "IncludeNestedStacks": False,
    }
    optional = {"StatusReason": found.reason, "Description": found.description, "OnStackFailure": found.on_failure}
    return shown | {key: value for key, value in optional.items() if value}


def template_summary(template: Template, *, resources: bool = True) -> dict[str, Any]:
    """A template's parameters, and its resource types where wanted."""
    shown: dict[str, Any] = {"Parameters": [_declared(name, spec) for name, spec in template.parameters.items()]}
    if template.description:
        shown["Description"] = template.description
    if resources:
        shown["ResourceTypes"] = sorted({each.type for each in template.resources.values()})
        shown["Version"] = "2010-09-09"
        shown["Metadata"] = json.dumps(template.metadata) if template.metadata else None
    return {key: value for key, value in shown.items() if value is not None}


def _declared(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    hidden = parameters.hidden(spec)
    shown: dict[str, Any] = {"ParameterKey": name, "ParameterType": spec["Type"], "NoEcho": hidden}
    if "Default" in spec:
        shown["DefaultValue"] = parameters.shown(spec, str(spec["Default"]))
    if "Description" in spec:
        shown["Description"] = str(spec["Description"])
    if "AllowedValues" in spec:
        shown["ParameterConstraints"] = {"AllowedValues": [str(value) for value in spec["AllowedValues"]]}
    return shown


def _drift(each: Stack) -> dict[str, Any]:
    checked = {"LastCheckTimestamp": each.drift_checked} if each.drift_checked else {}
    return {"StackDriftStatus": each.drift, **checked}


def _desired(desired: Desired | None) -> dict[str, Any]:
    if desired is None:
        return {"Parameters": [], "Tags": [], "Capabilities": []}
    declared = desired.template.parameters
    shown = []
    for name, text in desired.texts.items():
        each = {"ParameterKey": name, "ParameterValue": parameters.shown(declared[name], text)}
        value = desired.values[name]
        if parameters.stored(str(declared[name]["Type"])):
            each["ResolvedValue"] = ",".join(value) if isinstance(value, list) else value
        shown.append(each)
    tags = [{"Key": key, "Value": value} for key, value in desired.tags.items()]
    return {"Parameters": shown, "Tags": tags, "Capabilities": list(desired.capabilities)}


def _output(output: Output) -> dict[str, str]:
    optional = {"Description": output.description, "ExportName": output.export}
    return {
        "OutputKey": output.key,
        "OutputValue": output.value,
        **{key: value for key, value in optional.items() if value},
    }
