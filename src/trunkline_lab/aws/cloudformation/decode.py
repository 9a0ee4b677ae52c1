"""A template's text as plain data, with scalars as CloudFormation keeps them."""

from __future__ import annotations

from functools import cache
from typing import Any

from trunkline_lab.aws.cloudformation.errors import invalid

_UNSUPPORTED = "Template format error: unsupported structure."


def decode(body: str) -> dict[str, Any]:
    """The template's sections (YAML with its short forms, or JSON). Raises Refused as CloudFormation does."""
    try:
        raw = _loader()(body, None).get_single_data()
    except Exception:
        raw = _explain(body)
    if _aliased(body):
        raise invalid("Template format error: YAML aliases are not allowed in CloudFormation templates")
    plain = _plain(raw, "") if raw is not None else {}
    if not isinstance(plain, dict):
        raise invalid(_UNSUPPORTED)
    return plain


@cache
def _loader() -> Any:
    """cfn-lint's loader, but a number or date that is written in an unusual form stays text ("0123", 2012-10-17).

    CloudFormation hands scalars on as they are written: a policy's version or an account number must not change.
    """
    from cfnlint.decode.cfn_yaml import CfnFullLoader, multi_constructor

    class Loader(CfnFullLoader):  # type: ignore[misc]
        """Keeps the text of scalars."""

    def number(kind: str) -> Any:
        def construct(loader: Any, node: Any) -> Any:
            value = getattr(loader, f"construct_yaml_{kind}")(node)
            return value if str(value) == node.value else str(node.value)

        return construct

    Loader.add_constructor("tag:yaml.org,2002:int", number("int"))
    Loader.add_constructor("tag:yaml.org,2002:float", number("float"))
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))
    Loader.add_multi_constructor("!", multi_constructor)
    return Loader


def _explain(body: str) -> Any:
    """What cfn-lint makes of a body that is no YAML: JSON with tabs perhaps, or a refusal with the place."""
    from cfnlint.decode import decode_str

    raw, matches = decode_str(body)
    if not matches:
        return raw
    form = "JSON" if body.lstrip().startswith("{") else "YAML"
    at = matches[0]
    raise invalid(f"Template format error: {form} not well-formed. (line {at.linenumber}, column {at.columnnumber})")


def _aliased(body: str) -> bool:
    if "&" not in body or "*" not in body or body.lstrip().startswith("{"):
        return False
    import yaml

    return any(isinstance(token, yaml.AliasToken) for token in yaml.scan(body, Loader=yaml.CSafeLoader))


def _plain(node: Any, path: str) -> Any:
    """cfn-lint's nodes remember their place and are slow to copy: plain data instead."""
    if node is None:
        raise invalid(f"Template format error: [{path}] 'null' values are not allowed in templates")
    if isinstance(node, dict):
        return {str(key): _plain(value, f"{path}/{key}") for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, f"{path}/{index}") for index, value in enumerate(node)]
    if isinstance(node, str):
        return str(node)
    if isinstance(node, bool | int | float):
        return node
    raise invalid(_UNSUPPORTED)
