"""ARM templates as steps: what they need and give, and what is refused before anything is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import trunkline.blueprints
from trunkline import Error
from trunkline.clouds.azure import template as templates

TEMPLATES = Path(trunkline.blueprints.__file__).parent / "templates"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def written(tmp_path: Path, **parts: Any) -> Path:
    path = tmp_path / "t.azure.json"
    path.write_text(json.dumps({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [], **parts}))
    return path


def test_needs_and_gives_of_the_vpc_template():
    template = templates.read(TEMPLATES / "vpc.azure.json", None, None)
    needs, gives = template.needs, template.gives
    assert needs["vpc_cidr"].kind == needs["app_subnet1_cidr"].kind == "cidr"
    assert needs["router_private_address"].kind == needs["federation_address1"].kind == "address"
    assert needs["name_prefix"].kind == "str"
    assert needs["name_prefix"].pattern == "(?s).{1,48}"
    assert needs["router_password"].secret
    assert not needs["router_size"].required
    assert gives["router_address"].kind == "address"
    assert gives["router_default_password"].secret
    assert set(needs).isdisjoint(gives)


@pytest.mark.parametrize("job", ["vpc", "federation", "caller-route"])
def test_both_clouds_templates_take_and_give_the_same_keys(job):
    azure = templates.read(TEMPLATES / f"{job}.azure.json", None, None)
    aws = TEMPLATES / f"{job}.aws.yaml"
    from cfnlint.decode import decode_str

    from trunkline.clouds.names import state_key

    body, _ = decode_str(aws.read_text())
    # Each cloud has one word of its own: AWS's way out is a resource, Azure's machines have a password.
    needed = {state_key(name) for name in body["Parameters"]} - {"internet_gateway_id"}
    assert needed == set(azure.needs) - {"router_password"}
    assert {state_key(name) for name in body.get("Outputs") or {}} - {"internet_gateway_id"} == set(azure.gives)


@pytest.mark.parametrize("spelling", ["VpcCidr", "vpcCidr", "vpc_cidr"])
def test_fixed_values_in_any_clouds_spelling_are_not_needed(spelling):
    template = templates.read(TEMPLATES / "vpc.azure.json", {spelling: "10.1.0.0/16"}, None)
    assert "vpc_cidr" not in template.needs
    assert template.missing({}).count("vpc_cidr") == 0


def test_keys_rename_parameters_and_outputs():
    template = templates.read(TEMPLATES / "vpc.azure.json", None, {"VpcCidr": "range", "RouterAddress": "gateway"})
    assert "range" in template.needs
    assert "gateway" in template.gives
    assert template.given({"routerAddress": {"type": "String", "value": "203.0.113.1"}}) == {"gateway": "203.0.113.1"}


@pytest.mark.parametrize(("argument", "where"), [(1, "parameters"), (2, "keys")])
def test_a_misspelt_name_is_refused_at_once_with_the_right_one(argument, where):
    arguments: list[Any] = [TEMPLATES / "vpc.azure.json", None, None]
    arguments[argument] = {"VpcCdir": "x"}
    with pytest.raises(Error, match=f"{where} names 'VpcCdir'") as refused:
        templates.read(*arguments)
    assert refused.value.hint == "did you mean 'vpcCidr'?"


@pytest.mark.parametrize(
    ("definition", "value", "words"),
    [
        ({"type": "int"}, "3", "is str"),
        ({"type": "int"}, True, "is bool"),
        ({"type": "int", "maxValue": 5}, 6, "above maxValue 5"),
        ({"type": "string"}, 3, "is int"),
        ({"type": "string", "allowedValues": ["a", "b"]}, "c", "not allowed"),
        ({"type": "string", "minLength": 2}, "c", "below minLength 2"),
        ({"type": "array", "maxLength": 1}, ["a", "b"], "above maxLength 1"),
        ({"type": "object"}, ["a"], "is list"),
    ],
)
def test_what_arm_would_refuse_is_refused_before(tmp_path, definition, value, words):
    path = written(tmp_path, parameters={"theValue": definition})
    with pytest.raises(Error, match=words):
        templates.read(path, {"theValue": value}, None)
    with pytest.raises(Error, match=words):
        templates.read(path, None, None).arguments({"the_value": value})


def test_a_refused_secret_is_not_shown(tmp_path):
    path = written(tmp_path, parameters={"password": {"type": "secureString", "minLength": 12}})
    with pytest.raises(Error) as refused:
        templates.read(path, None, None).arguments({"password": "hunter2"})
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"


def test_missing_keys_are_named_together():
    template = templates.read(TEMPLATES / "caller-route.azure.json", None, None)
    with pytest.raises(Error, match="'route_table_id', 'caller_prefix'"):
        template.arguments({})


def test_a_function_is_asked_at_every_deployment(tmp_path):
    asked: list[int] = []
    path = written(tmp_path, parameters={"password": {"type": "securestring"}})
    template = templates.read(path, {"password": lambda: asked.append(1) or f"secret-{len(asked)}"}, None)
    assert not asked
    assert [template.arguments({})["password"] for _ in range(2)] == ["secret-1", "secret-2"]


def test_the_digest_tells_changes_and_leaves_secrets_out(tmp_path):
    path = written(tmp_path, parameters={"a": {"type": "string"}, "s": {"type": "securestring"}})
    template = templates.read(path, None, None)
    one = template.digest({"a": "1", "s": "x"})
    assert one == template.digest({"a": "1", "s": "y"})
    assert one != template.digest({"a": "2", "s": "x"})


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "no JSON"), ("[]", "no ARM template"), ('{"resources": []}', "no ARM template")],
)
def test_files_that_are_no_template(tmp_path, text, words):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(Error, match=words):
        templates.read(path, None, None)
    with pytest.raises(Error, match="No such file"):
        templates.read(tmp_path / "none.json", None, None)


def test_a_nested_deployment_is_refused_since_undo_could_not_see_into_it(tmp_path):
    nested = {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner"}
    with pytest.raises(Error, match="nested deployment"):
        templates.read(written(tmp_path, resources=[nested]), None, None)


def test_api_versions_of_children_written_inside_their_parents(tmp_path):
    child = {"type": "routes", "apiVersion": "2023-01-01", "name": "r"}
    parent = {"type": "Microsoft.Network/routeTables", "apiVersion": "2024-05-01", "name": "t", "resources": [child]}
    template = templates.read(written(tmp_path, resources=[parent]), None, None)
    assert template.api_version("microsoft.network/ROUTETABLES") == "2024-05-01"
    assert template.api_version("Microsoft.Network/routeTables/routes") == "2023-01-01"
    assert template.api_version("Microsoft.Network/virtualNetworks") is None
