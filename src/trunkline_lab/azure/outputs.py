"""A deployment's outputs: evaluated when everything is there, held to their types, secrets not told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_template, reason
from trunkline_lab.azure.language.formats import kind
from trunkline_lab.azure.language.scope import Reference
from trunkline_lab.azure.language.types import fits, resolve, type_of
from trunkline_lab.azure.store import Document
from trunkline_lab.azure.template import Template

SEE = "Please see https://aka.ms/arm-deployment-operations for usage details."


def evaluate_outputs(template: Template, reference: Reference) -> Document:
    """The outputs' values by name. Raises ArmError (DeploymentOutputEvaluationFailed) with each one's cause."""
    scope = replace(template.scope, reference=reference)
    types = template.source.get("definitions") or {}
    outputs: Document = {}
    causes = []
    for name, output in (template.source.get("outputs") or {}).items():
        try:
            if scope.value(output.get("condition", True)):
                outputs[name] = _output(name, output, scope.value(_looped(name, output)), types)
        except ArmError as refused:
            words = f"The template output '{name}' is not valid: {reason(refused)}."
            causes.append(ArmError(400, "DeploymentOutputEvaluationFailed", words, target=name))
    if causes:
        names = ", ".join(str(cause.target) for cause in causes)
        raise ArmError(
            400,
            "DeploymentOutputEvaluationFailed",
            f"Unable to evaluate template outputs: '{names}'. "
            f"Please see error details and deployment operations. {SEE}",
            target=names,
            details=causes,
        )
    return outputs


def _looped(name: str, output: Document) -> Any:
    """An output's expression, or the loop that makes it."""
    loop = output.get("copy")
    return {"copy": [{"name": name, **loop}]} if isinstance(loop, dict) else output.get("value")


def _output(name: str, output: Document, value: Any, types: Document) -> Document:
    """One output. Raises ArmError when its value is not of its type."""
    if isinstance(output.get("copy"), dict):
        value = value[name]
    spelling = fits(output, value, types)
    if spelling is None:
        expected = type_of(name, resolve(name, output, types))[2]
        raise invalid_template(
            f"Template output JToken type is not valid. Expected '{expected}'. Actual '{kind(value)}'. {SEE}"
        )
    return {"type": spelling} if spelling.startswith("Secure") else {"type": spelling, "value": value}
