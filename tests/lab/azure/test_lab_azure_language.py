"""ARM's expressions: what each function answers, and how what is wrong is refused.

Sources: of a code, docs/reference/lab-errors.md; of a behaviour, docs/reference/lab-azure.md; of a row that has one of
its own, the row says it (owner/repository#number is a public report of Azure's own answer).
"""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.language.parameters import read_parameters
from trunkline_lab.azure.language.scope import Place, Scope, VariableLoop

SUB = "22222222-2222-4222-8222-222222222222"
PLACE = Place(
    {"id": f"/subscriptions/{SUB}/resourceGroups/lab", "name": "lab", "location": "westeurope"},
    {"id": f"/subscriptions/{SUB}", "subscriptionId": SUB, "tenantId": "t"},
    {"name": "main"},
)
SCOPE = Scope(
    PLACE,
    {"prefix": "acme", "zones": ["1", "2"], "sizes": {"Small": 1, "nested": {"deep": [10, 20]}}},
    {
        "name": "[concat(parameters('prefix'), '-vnet')]",
        "twice": "[concat(variables('name'), variables('name'))]",
        "round": "[variables('about')]",
        "about": "[variables('round')]",
        "loop": VariableLoop({"name": "loop", "count": 3, "input": "[concat('n', copyIndex('loop', 1))]"}),
    },
    {"my.double": {"parameters": [{"name": "x", "type": "int"}], "output": {"value": "[mul(parameters('x'), 2)]"}}},
)


def value(text: str) -> Any:
    return SCOPE.value(f"[{text}]")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("'it''s'", "it's"),
        ("add(1, -2)", -1),
        ("sub(7, 2)", 5),
        ("mul(3, 4)", 12),
        ("div(-7, 2)", -3),
        ("mod(-7, 2)", -1),
        ("concat('a', 1, true())", "a1True"),
        ("concat(createArray(1), createArray(2))", [1, 2]),
        ("format('{0}-{1:D3}-{2:X2}-{{}}', 'a', 7, 255)", "a-007-FF-{}"),
        ("toLower('AbC')", "abc"),
        ("toUpper('AbC')", "ABC"),
        ("trim('  a ')", "a"),
        ("split('a,b;c', createArray(',', ';'))", ["a", "b", "c"]),
        ("join(createArray('a', 'b'), '-')", "a-b"),
        ("first('abc')", "a"),
        ("last(createArray(1, 2))", 2),
        ("first(createArray())", None),
        ("length('abc')", 3),
        ("length(parameters('zones'))", 2),
        ("contains('abc', 'b')", True),
        ("contains(parameters('sizes'), 'SMALL')", True),
        ("contains(createArray(1, 2), 3)", False),
        ("empty('')", True),
        ("empty(createObject())", True),
        ("empty(createArray(1))", False),
        ("empty(null())", True),
        ("if(equals(1, 1), 'yes', parameters('no-such'))", "yes"),
        ("and(true(), false(), parameters('no-such'))", False),
        ("or(false(), true())", True),
        ("not(false())", True),
        ("equals('a', 'A')", False),
        ("equals(1, true())", False),
        ("less('a', 'b')", True),
        ("lessOrEquals(2, 2)", True),
        ("greater(2, 3)", False),
        ("greaterOrEquals(3, 3)", True),
        ("int('42')", 42),
        ("string(42)", "42"),
        ("string(createObject('a', 1))", '{"a":1}'),
        ("bool('True')", True),
        ("bool(0)", False),
        ("array('a')", ["a"]),
        ("createObject('a', 1, 'b', createArray(2))", {"a": 1, "b": [2]}),
        ("union(createArray(1, 2), createArray(2, 3))", [1, 2, 3]),
        ('union(json(\'{"a": {"b": 1}}\'), json(\'{"a": {"c": 2}}\'))', {"a": {"b": 1, "c": 2}}),
        ("intersection(createArray(1, 2, 3), createArray(3, 2))", [2, 3]),
        ("take(createArray(1, 2, 3), 2)", [1, 2]),
        ("skip('abcd', 3)", "d"),
        ("replace('a-b-c', '-', '')", "abc"),
        ("substring('abcdef', 2, 3)", "cde"),
        ("indexOf('abc', 'C')", 2),
        ("indexOf(createArray('a', 'b'), 'x')", -1),
        ("lastIndexOf('abcabc', 'b')", 4),
        ("startsWith('abc', 'AB')", True),
        ("endsWith('abc', 'x')", False),
        ("padLeft(7, 3, '0')", "007"),
        ("base64('one')", "b25l"),
        ("base64ToString('b25l')", "one"),
        ("json('[1, 2]')", [1, 2]),
        ("min(3, 1, 2)", 1),
        ("max(createArray(3, 1))", 3),
        ("range(5, 3)", [5, 6, 7]),
        ("coalesce(null(), 'b', parameters('no-such'))", "b"),
        ("flatten(createArray(createArray(1), createArray(2)))", [1, 2]),
        ("items(createObject('b', 2, 'a', 1))", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
        ("uriComponent('a b/c')", "a%20b%2Fc"),
        ("cidrSubnet('10.144.0.0/20', 24, 2)", "10.144.2.0/24"),
        ("cidrHost('10.144.3.0/24', 0)", "10.144.3.1"),
        ("parseCidr('10.144.0.0/20').lastUsable", "10.144.15.254"),
        ("parseCidr('10.144.0.0/20').netmask", "255.255.240.0"),
        ("parameters('sizes').NESTED.deep[1]", 20),
        ("parameters('sizes')['nested']['deep'][add(0, 0)]", 10),
        ("variables('twice')", "acme-vnetacme-vnet"),
        ("variables('loop')[2]", "n3"),
        ("my.double(21)", 42),
        ("resourceGroup().location", "westeurope"),
        ("subscription().subscriptionId", SUB),
        ("deployment().name", "main"),
        ("resourceId('A.B/c', 'n')", f"/subscriptions/{SUB}/resourceGroups/lab/providers/A.B/c/n"),
        ("resourceId('A.B/c/d', 'n', 'm')", f"/subscriptions/{SUB}/resourceGroups/lab/providers/A.B/c/n/d/m"),
        ("resourceId('other', 'A.B/c', 'n')", f"/subscriptions/{SUB}/resourceGroups/other/providers/A.B/c/n"),
        ("resourceId('s2', 'other', 'A.B/c', 'n')", "/subscriptions/s2/resourceGroups/other/providers/A.B/c/n"),
        ("subscriptionResourceId('A.B/c', 'n')", f"/subscriptions/{SUB}/providers/A.B/c/n"),
        ("length(guid('a', 'b'))", 36),
        ("equals(guid('a', 'b'), guid('a-b'))", True),
        ("length(uniqueString('a'))", 13),
        ("equals(uniqueString('a'), uniqueString('b'))", False),
    ],
)
def test_functions(text: str, answer: Any) -> None:
    found = value(text)
    assert found == answer
    assert type(found) is type(answer)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("noSuchFunction(1)", "'noSuchFunction' is not valid"),
        ("concat('a'", "Unable to parse language expression 'concat('a''"),
        ("'a' 'b'", "Unable to parse"),
        ("parameters('nobody')", "parameter 'nobody' is not found"),
        ("variables('nobody')", "variable 'nobody' is not found"),
        (
            "variables('round')",
            "The template variable 'about' is not valid: The template variable 'round' is not found",
        ),
        ("parameters('sizes').large", "property 'large' doesn't exist, available properties are 'Small, nested'"),
        ("parameters('zones')[2]", "index '2' is out of bounds"),
        ("parameters('prefix').x", "can't be evaluated on str"),
        ("add(1)", "'add': function requires 2 argument(s) while 1 were provided"),
        ("add('1', 2)", "'add': a whole number was expected"),
        ("div(1, 0)", "divided by zero"),
        ("concat('a', createArray(1))", "cannot be joined"),
        ("less(1, 'a')", "two whole numbers or two texts"),
        ("if('true', 1, 2)", "its condition is true or false"),
        ("resourceId('vnet')", "fully qualified resource type"),
        ("resourceId('A.B/c/d', 'n')", "needs as many names, not 1"),
        ("copyIndex()", "'copyIndex' is not expected at this location"),
        ("reference('vnet')", "'reference' is not expected at this location"),
        ("newGuid()", "'newGuid' is not expected at this location"),
        ("cidrSubnet('10.0.0.0/24', 16, 0)", "has no subnets of 16"),
        ("cidrHost('10.0.0.0/30', 2)", "has no usable address 2"),
        ("cidrSubnet('nonsense', 16, 0)", "is no CIDR"),
        ("substring('abc', 2, 5)", "within the string"),
        ("int('x')", "'int'"),
        ("json('{')", "no JSON"),
        ("my.double(1, 2)", "function requires 1 argument(s) while 2 were provided"),
    ],
)
def test_what_is_wrong_is_an_invalid_template(text: str, words: str) -> None:
    with pytest.raises(ArmError) as caught:
        value(text)
    assert caught.value.code == "InvalidTemplate"
    assert caught.value.status == 400
    assert words in caught.value.message


def test_texts_that_are_no_expressions_stay() -> None:
    assert SCOPE.value({"a": ["[[x]", "[half", "x]", 1, None]}) == {"a": ["[x]", "[half", "x]", 1, None]}


def test_a_copy_loop_of_properties_makes_an_array() -> None:
    loop = {"name": "subnets", "count": 2, "input": {"name": "[concat('s', copyIndex('subnets'))]"}}
    assert SCOPE.value({"copy": [loop], "x": 1}) == {"subnets": [{"name": "s0"}, {"name": "s1"}], "x": 1}


@given(st.text(alphabet="ab'[]() ,{}0\\\"", max_size=20))
def test_any_text_survives_being_quoted(text: str) -> None:
    quoted = text.replace("'", "''")
    assert SCOPE.value(f"[concat('{quoted}', '')]") == text


@given(st.integers(8, 24), st.integers(0, 8), st.data())
def test_cidr_subnets_lie_side_by_side(length: int, more: int, data: st.DataObject) -> None:
    network = ipaddress.IPv4Network(f"10.0.0.0/{length}")
    index = data.draw(st.integers(0, 2**more - 1))
    found = value(f"cidrSubnet('{network}', {length + more}, {index})")
    assert ipaddress.IPv4Network(found) == list(network.subnets(more))[index]


@pytest.mark.parametrize(
    ("definition", "given_value", "words"),
    [
        ({"type": "string"}, 5, "Expected 'String, Uri'. Actual 'Integer'"),
        ({"type": "int"}, True, "Expected 'Integer'. Actual 'Boolean'"),
        ({"type": "string", "allowedValues": ["a", "b"]}, "c", "not part of the allowed value(s): 'a,b'"),
        ({"type": "string", "minLength": 3}, "ab", "Length of the value should be greater than or equal to '3'"),
        ({"type": "array", "maxLength": 1}, [1, 2], "Length of the value should be less than or equal to '1'"),
        ({"type": "int", "minValue": 1, "maxValue": 3}, 4, "The value should be less than or equal to '3'"),
        ({"type": "text"}, "a", "is not one of"),
    ],
)
def test_parameters_are_held_to_their_definition(definition: Any, given_value: Any, words: str) -> None:
    with pytest.raises(ArmError) as caught:
        read_parameters({"p": definition}, {"p": {"value": given_value}}, PLACE)
    assert caught.value.code == "InvalidTemplate"
    assert words in caught.value.message


def test_no_allowed_values_allow_all() -> None:
    """Two of Azure's own templates (ethereum-consortium-blockchain of AzureStack-QuickStart-Templates) are so."""
    assert read_parameters({"p": {"type": "string", "allowedValues": []}}, {"p": {"value": "a"}}, PLACE).values == {
        "p": "a"
    }


@pytest.mark.parametrize("given_value", ["westEurope", ["WESTEUROPE"]])
def test_an_allowed_value_is_allowed_in_any_spelling_and_kept_as_given(given_value: Any) -> None:
    """Source: Azure/bicep#2489. A template of AzureStack-QuickStart-Templates spells its own default differently."""
    definition = {"type": "array" if isinstance(given_value, list) else "string", "allowedValues": ["WestEurope", 5]}
    assert read_parameters({"p": definition}, {"p": {"value": given_value}}, PLACE).values == {"p": given_value}


def test_a_secret_is_named_in_no_message_and_not_shown() -> None:
    with pytest.raises(ArmError) as caught:
        read_parameters({"p": {"type": "secureString", "allowedValues": ["x"]}}, {"p": {"value": "hunter2"}}, PLACE)
    assert "hunter2" not in str(caught.value)
    found = read_parameters({"p": {"type": "secureString"}}, {"P": {"value": "hunter2"}}, PLACE)
    assert found.values == {"p": "hunter2"}
    assert found.shown == {"p": {"type": "SecureString"}}


def test_a_default_value_sees_the_parameters_before_it() -> None:
    definitions = {
        "a": {"type": "string", "defaultValue": "x"},
        "b": {"type": "string", "defaultValue": "[concat(parameters('a'), resourceGroup().location)]"},
        "c": {"type": "string", "defaultValue": "[newGuid()]"},
    }
    found = read_parameters(definitions, {}, PLACE).values
    assert found["b"] == "xwesteurope"
    assert len(found["c"]) == 36
