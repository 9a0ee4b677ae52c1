"""A template's text as plain data, with scalars as CloudFormation keeps them.

Short forms: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html. Read with
PyYAML itself: cfn-lint's loader, of which the lab needs only the short forms, brings its whole linter along (50 MB).
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from trunkline_lab.aws.cloudformation.errors import invalid

_UNSUPPORTED = "Template format error: unsupported structure."
_WHOLE = {"Ref", "Condition"}  # the functions without Fn::
# What the words of these kinds mean is for the property's schema to say: a policy's version or an account number is
# handed on as it is written.
_WRITTEN_DIFFERENTLY = ("int", "float")


def decode(body: str) -> dict[str, Any]:
    """The template's sections (YAML with its short forms, or JSON). Raises Refused as CloudFormation does."""
    import yaml

    try:
        raw = yaml.load(body, _loader())
    except yaml.MarkedYAMLError as error:
        raw = _json(body, error)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise invalid(_UNSUPPORTED) from None
    if _aliased(body):
        raise invalid("Template format error: YAML aliases are not allowed in CloudFormation templates")
    plain = _plain(raw, "") if raw is not None else {}
    if not isinstance(plain, dict):
        raise invalid(_UNSUPPORTED)
    return plain


@cache
def _loader() -> Any:
    """A YAML loader that knows the short forms, refuses a key that comes twice, and keeps the text of scalars."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """CloudFormation's YAML."""

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value}", key.start_mark)
        return dict(loader.construct_mapping(node, deep=True))

    def number(kind: str) -> Any:
        def construct(loader: Any, node: Any) -> Any:
            value = getattr(loader, f"construct_yaml_{kind}")(node)
            return value if str(value) == node.value else str(node.value)

        return construct

    def short_form(loader: Any, name: str, node: Any) -> dict[str, Any]:
        return {name if name in _WHOLE else f"Fn::{name}": _argument(loader, name, node)}

    def _argument(loader: Any, name: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return node.value.split(".", 1) if name == "GetAtt" else node.value
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return mapping(loader, node)

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    for kind in _WRITTEN_DIFFERENTLY:
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", number(kind))
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))
    Loader.add_multi_constructor("!", short_form)
    return Loader


def _json(body: str, error: Any) -> Any:
    """A body that is no YAML as JSON, which may have tabs; else a refusal with the place.

    Of a key that comes twice JSON keeps the last, as CloudFormation does:
    https://github.com/aws-cloudformation/cfn-language-discussion/issues/96.
    """
    form, mark = "YAML", error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if body.lstrip().startswith("{"):
        try:
            return json.loads(body)
        except json.JSONDecodeError as wrong:
            form, line, column = "JSON", wrong.lineno, wrong.colno
    raise invalid(f"Template format error: {form} not well-formed. (line {line}, column {column})") from None


def _aliased(body: str) -> bool:
    if "&" not in body or "*" not in body or body.lstrip().startswith("{"):
        return False
    import yaml

    return any(isinstance(token, yaml.AliasToken) for token in yaml.scan(body, Loader=yaml.CSafeLoader))


def _plain(node: Any, path: str) -> Any:
    """Plain data with text for keys; refused where a template cannot have such a value."""
    if node is None:
        raise invalid(f"Template format error: [{path}] 'null' values are not allowed in templates")
    if isinstance(node, dict):
        return {str(key): _plain(value, f"{path}/{key}") for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, f"{path}/{index}") for index, value in enumerate(node)]
    if isinstance(node, str | bool | int | float):
        return node
    raise invalid(_UNSUPPORTED)
