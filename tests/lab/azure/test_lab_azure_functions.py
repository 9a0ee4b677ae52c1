"""ARM's functions, row by row: what the vendor's reference says of each, in examples of our own.

Each group's source is a page of Microsoft's reference, "ARM template functions", by its last part:
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-<part>.
"""

from __future__ import annotations

from typing import Any

import pytest
from test_lab_azure_language import SCOPE, SUB

from trunkline_lab.azure.errors import ArmError

OBJECTS = "createArray(createObject('n', 'b', 'v', 2), createObject('n', 'a', 'v', 1))"
NAME = "lambda('o', lambdaVariables('o').n)"
BEFORE = "lambda('a', 'b', less(lambdaVariables('a').n, lambdaVariables('b').n))"
SUM = "add(lambdaVariables('x'), lambdaVariables('y'))"
# uniqueString() of this id was had from Azure's own library: microsoft/commercial-marketplace-offer-deploy. The other
# answers: philsphicas/aztunnel; that of 'test' also two Terraform providers and an account in a blog's listing.
MACHINE = (
    "/subscriptions/31e9f9a0-9fd2-4294-a0a3-0101246d9700/resourceGroups/rg-modm201-20230913120256"
    "/providers/Microsoft.Compute/virtualMachines/bobjacmodm201"
)
ROWS: dict[str, list[tuple[str, Any]]] = {
    "array": [
        ("indexFromEnd(createArray(1, 2, 3), 2)", 2),
        ("tryIndexFromEnd(createArray(1, 2, 3), 9)", None),
        ("tryGet(createArray(1, 2), 5)", None),
        ("tryGet(createObject('a', createObject('b', 7)), 'a', 'b')", 7),
        ("tryGet(createObject('a', 1), 'x', 'y')", None),
        ("lastIndexOf('abcabc', 'x')", -1),
        ("lastIndexOf(createArray(1, 2, 1), 1)", 2),
        ("contains(createArray(true()), 1)", False),
        ("indexOf(createArray(true(), 1), 1)", 1),
        ("union(createArray(1), createArray(true()))", [1, True]),
        ("intersection(createArray(1, 1, 2), createArray(1, 1))", [1]),
        ("equals(createArray(1), createArray(true()))", False),
        ("equals(createObject('a', 1), createObject('a', true()))", False),
        ("union(createArray(1), createArray(1, 2), createArray(3))", [1, 2, 3]),
        ("flatten(createArray(createArray(), createArray(1, createArray(2))))", [1, [2]]),
    ],
    "object": [
        ("shallowMerge(createArray(createObject('a', 1), createObject('a', 2, 'b', 3)))", {"a": 2, "b": 3}),
        ('shallowMerge(createArray(json(\'{"a": {"x": 1}}\'), json(\'{"a": {"y": 2}}\')))', {"a": {"y": 2}}),
        ("objectKeys(createObject('b', 1, 'a', 2))", ["a", "b"]),
        ("contains(createObject('One', 1), 'one')", True),
        ("createObject('a', 1).?b", None),
        ("createObject('a', createObject('b', 2)).?a.?b", 2),
        ("createArray(1)[?3]", None),
    ],
    "string": [
        ("format('{0,5}|{1,-4}|', 'ab', 'c')", "   ab|c   |"),
        ("format('{0:N0} {0:D6} {1:x4}', 1234567, 255)", "1,234,567 1234567 00ff"),
        ("format('nothing to fill')", "nothing to fill"),
        ("dataUri('Hi')", "data:text/plain;charset=utf8;base64,SGk="),
        ("dataUriToString('data:;base64,SGVsbG8=')", "Hello"),
        ("dataUriToString('data:text/plain,a%20b')", "a b"),
        ("uri('http://a.example/x/y.json', 'nested/z.json')", "http://a.example/x/nested/z.json"),
        ("uri('http://a.example/x/y.json', '/z.json')", "http://a.example/x/z.json"),
        ("uri('http://a.example/x/y.json/', 'z.json')", "http://a.example/x/y.json/z.json"),
        ("uri('http://a.example/', '/z.json')", "http://a.example/z.json"),
        ("uri('http://a.example', 'z.json')", "http://a.example/z.json"),
        ("split('abc', '')", ["abc"]),
        ("json('{''a'': ''it is \"b\"'', c: 1, // d\n}')", {"a": 'it is "b"', "c": 1}),
        ("base64ToJson(base64('{''one'': ''a'', ''two'': ''b''}'))", {"one": "a", "two": "b"}),
        ("uniqueString('test')", "rbgf3xv4ufgzg"),
        ("uniqueString('hello', 'world')", "a7wkljktk6wne"),
        ("uniqueString('foo', 'bar', 'baz')", "xzi4ioaxtmth4"),
        (f"uniqueString('{MACHINE}')", "yvjxno3je5on2"),
        ("string(createArray(1, 'a', true()))", '[1,"a",true]'),
        ("padLeft('123', 5)", "  123"),
        ("substring('abc', 1)", "bc"),
        ("endsWith('abc', 'C')", True),
    ],
    "date": [
        ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", "2023-04-07T14:53:14Z"),
        ("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", "2020-03-29T14:53:14Z"),
        ("dateTimeAdd('2020-01-31T00:00:00Z', 'P1M', 'yyyy-MM-dd')", "2020-02-29"),
        ("dateTimeAdd('20200407T145314Z', 'PT1H30M', 'd/M/yy h:mm tt')", "7/4/20 4:23 PM"),
        ("dateTimeAdd('2020-04-07', 'P1D', 'R')", "Wed, 08 Apr 2020 00:00:00 GMT"),
        ("dateTimeFromEpoch(1683040573)", "2023-05-02T15:16:13Z"),
        ("dateTimeToEpoch('2023-05-02T15:16:13Z')", 1683040573),
        ("dateTimeToEpoch('2023-05-02T17:16:13+02:00')", 1683040573),
    ],
    "lambda": [
        ("map(createArray(1, 2), lambda('x', mul(lambdaVariables('x'), 10)))", [10, 20]),
        (
            "map(createArray('a'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), lambdaVariables('i'))))",
            ["a0"],
        ),
        ("filter(range(0, 6), lambda('x', equals(mod(lambdaVariables('x'), 2), 1)))", [1, 3, 5]),
        ("sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", [1, 2, 3]),
        ("reduce(createArray(1, 2, 3), 10, lambda('c', 'n', add(lambdaVariables('c'), lambdaVariables('n'))))", 16),
        (f"toObject({OBJECTS}, {NAME}, lambda('o', lambdaVariables('o').v))", {"b": 2, "a": 1}),
        (f"map(sort({OBJECTS}, {BEFORE}), {NAME})", ["a", "b"]),
        ("groupBy(createArray('ab', 'ac'), lambda('s', first(lambdaVariables('s'))))", {"a": ["ab", "ac"]}),
        ("mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", {"a": 2}),
        (f"map(createArray(1, 2), lambda('x', map(createArray(1), lambda('y', {SUM}))))", [[2], [3]]),
    ],
    "resource": [
        ("resourceId('A.B/c/', 'n')", f"/subscriptions/{SUB}/resourceGroups/lab/providers/A.B/c/n"),
        ("resourceId('A.B/c/d', 'n/m')", f"/subscriptions/{SUB}/resourceGroups/lab/providers/A.B/c/n/d/m"),
        ("extensionResourceId('/subscriptions/s', 'A.B/c', 'n')", "/subscriptions/s/providers/A.B/c/n"),
        ("tenantResourceId('A.B/c', 'n')", "/providers/A.B/c/n"),
        ("subscriptionResourceId('s2', 'A.B/c', 'n')", "/subscriptions/s2/providers/A.B/c/n"),
        ("subscriptionResourceId('Microsoft.Resources/resourceGroups', 'g')", f"/subscriptions/{SUB}/resourceGroups/g"),
        ("pickZones('Microsoft.Compute', 'virtualMachines', 'westus2')", ["1"]),
        ("pickZones('Microsoft.Compute', 'virtualMachines', 'westus2', 2, 1)", ["2", "3"]),
        ("pickZones('Microsoft.Network', 'publicIPAddresses', 'northcentralus')", []),
        ("pickZones('Microsoft.Cdn', 'profiles', 'westus2')", []),
        ("pickZones('Microsoft.Network', 'routeTables', 'westus2', 3)", []),
        ("contains(providers('Microsoft.Network', 'virtualNetworks').locations, 'westeurope')", True),
        ("greater(length(providers('Microsoft.Compute', 'virtualMachines').apiVersions), 0)", True),
    ],
    "deployment": [
        ("environment().suffixes.storage", "core.windows.net"),
        ("environment().resourceManager", "https://management.azure.com/"),
        ("tenant().tenantId", "t"),
    ],
    "numeric": [
        ("float('3.5')", 3.5),
        ("float(3)", 3.0),
        ("int(' 42 ')", 42),
        ("mod(7, -3)", 1),
        ("div(7, -2)", -3),
        ("max(1, 5, 3)", 5),
        ("int('-4')", -4),
    ],
    "logical": [("bool('FALSE')", False), ("not('true')", False), ("or(false(), 1)", True)],
}


@pytest.mark.parametrize(
    ("text", "answer"), [pytest.param(*row, id=f"{part}: {row[0]}") for part, rows in ROWS.items() for row in rows]
)
def test_the_references_functions(text: str, answer: Any) -> None:
    found = SCOPE.value(f"[{text}]")
    assert found == answer
    assert type(found) is type(answer)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("managementGroup()", "has not"),
        ("managementGroupResourceId('A.B/c', 'n')", "has not management groups"),
        ("getSecret('a', 'b')", "has not key vaults"),
        ("deployer()", "who deploys"),
        ("toLogicalZone('s', 'westus2', 'x')", "mapping of zones"),
        ("toPhysicalZones('s', 'westus2', createArray('1'))", "mapping of zones"),
        ("externalInput('a')", "has not"),
        ("fail('not today')", "not today"),
        ("format('{0', 'a')", "not closed"),
        ("format('{1}', 'a')", "no argument 1"),
        ("format('{0:C}', 1)", "the format C is unknown"),
        ("dateTimeAdd('yesterday', 'P1D')", "dateTimeAdd"),
        ("dateTimeAdd('2020-01-01', 'one day')", "dateTimeAdd"),
        ("map(createArray(1), 5)", "its argument 2 is a lambda"),
        ("map('a', lambda('x', 1))", "its first argument is an array"),
        ("lambda('x', 1)", "only where a function takes one"),
        ("lambdaVariables('x')", "lambda variable 'x' is not found"),
        ("filter(createArray(1), lambda('x', 5))", "answers true or false"),
        ("references('all')", "not expected at this location"),
        ("listKeys('a', '2024-01-01')", "not expected at this location"),
        ("utcNow()", "not expected at this location"),
        ("copyIndex()", "not expected at this location"),
        ("pickZones('Microsoft.Compute', 'virtualMachines', 'westus2', 4)", "three zones"),
        ("providers('Microsoft.Nothing', 'x')", "no namespace 'Microsoft.Nothing'"),
        ("indexFromEnd(createArray(1), 2)", "counted from 1 at its end"),
        ("createObject('a', 1).b", "available properties are 'a'"),
        ("or('maybe', true())", "neither true nor false"),
        ("int('4_2')", "no whole number"),
        ("first(createObject('a', 1))", "not Object"),
        ("last(5)", "an array or a text was expected, not Integer"),
        ("take(null(), 1)", "not Null"),
        ("skip(true(), 1)", "not Boolean"),
        ("join('abc', ',')", "an array was expected, not String"),
        ("flatten(createArray(createArray(1), 2))", "an array was expected, not Integer"),
        ("items(createArray())", "an object was expected, not Array"),
        ("objectKeys('a')", "an object was expected"),
        ("max(createArray())", "the array is empty"),
        ("empty(0)", "an object, an array or a text was expected, not Integer"),
        ("replace('abc', '', 'x')", "the text to replace is empty"),
        ("indexOf('a')", "'indexOf': function requires 2 argument(s) while 1 were provided"),
        ("padLeft('a')", "function requires 2 to 3 argument(s) while 1 were provided"),
        ("guid()", "function requires at least 1 argument(s) while 0 were provided"),
    ],
)  # fmt: skip
def test_what_a_function_refuses(text: str, words: str) -> None:
    with pytest.raises(ArmError) as caught:
        SCOPE.value(f"[{text}]")
    assert caught.value.code == "InvalidTemplate"
    assert words in caught.value.message


def test_an_unnamed_copy_index_in_a_property_loop_is_the_resources() -> None:
    """Source: "Property iteration in ARM templates": the loop of a property is asked for by its name."""
    node = {"copy": [{"name": "list", "count": 2, "input": "[format('{0}.{1}', copyIndex(), copyIndex('list'))]"}]}
    assert SCOPE.looped("outer", 7).value(node) == {"list": ["7.0", "7.1"]}


@pytest.mark.parametrize(
    "call", ["toLower(json('[\"hunter2\"]'))", "int('hunter2')", "bool('hunter2')", 'first(json(\'{"a": "hunter2"}\'))']
)
def test_a_refused_argument_is_told_by_its_type_since_it_may_be_a_secret(call: str) -> None:
    with pytest.raises(ArmError) as caught:
        SCOPE.value(f"[{call}]")
    assert "hunter2" not in caught.value.message
