"""The private view of the state, and how a return value is read."""

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import pipe
from trunkline._core.state import View, copied, merged, same
from trunkline.errors import Conflict, Misuse

# Every way to get at a nested value; each must be private, so that mutating what it gave leaves the state alone.
WAYS = {
    "index": lambda view: view["a"],
    "get": lambda view: view.get("a"),
    "dict": lambda view: dict(view)["a"],
    "unpack": lambda view: {**view}["a"],
    "items": lambda view: dict(view.items())["a"],
    "values": lambda view: next(iter(view.values())),
    "copy": lambda view: view.copy()["a"],
    "copy.copy": lambda view: copy.copy(view)["a"],
    "deepcopy": lambda view: copy.deepcopy(view)["a"],
    "pickle": lambda view: pickle.loads(pickle.dumps(view))["a"],
    "or": lambda view: (view | {})["a"],
    "ror": lambda view: ({} | view)["a"],
    "pop": lambda view: view.pop("a"),
    "popitem": lambda view: view.popitem()[1],
    "setdefault": lambda view: view.setdefault("a", None),
    "update": lambda view: _updated(view)["a"],
    "kwargs": lambda view: (lambda **words: words)(**view)["a"],
    "match": lambda view: _matched(view),
    "json": lambda view: json.loads(json.dumps(view))["a"],
    "reversed": lambda view: next(view[key] for key in reversed(view)),
}


def _updated(view):
    other = {}
    other.update(view)
    return other


def _matched(view):
    match view:
        case {"a": value}:
            return value
    raise AssertionError


@pytest.mark.parametrize("way", WAYS)
def test_what_a_view_gives_is_the_steps_own(way):
    state = {"a": [1, {"b": [2]}]}
    got = WAYS[way](View(state))
    assert got == [1, {"b": [2]}]
    got[1]["b"].append("mine")
    got.append("mine")
    assert state == {"a": [1, {"b": [2]}]}


@pytest.mark.parametrize("way", WAYS)
def test_no_step_can_reach_the_callers_data(way):
    data = {"a": [1, {"b": [2]}]}

    def meddle(state):
        WAYS[way](state)[1]["b"].append("mine")

    assert pipe(data, [("meddle", meddle)]) == {"a": [1, {"b": [2]}]}
    assert data == {"a": [1, {"b": [2]}]}


def test_a_view_touched_once_keeps_what_the_step_wrote():
    view = View({"a": [1]})
    view["a"].append(2)
    assert view["a"] == [1, 2]
    view["b"] = inner = []
    inner.append(1)
    assert view["b"] is inner


def test_a_view_does_what_a_dict_does():
    view = View({"a": 1, "b": [2]})
    assert view == {"a": 1, "b": [2]}
    assert list(view) == ["a", "b"]
    assert len(view) == 2
    assert view.get("c", 3) == 3
    assert view.pop("c", 4) == 4
    with pytest.raises(KeyError):
        view.pop("c")
    view |= {"c": 5}
    assert view.setdefault("d", 6) == 6
    assert dict(view) == {"a": 1, "b": [2], "c": 5, "d": 6}
    del view["a"]
    assert "a" not in view
    assert View({}).get("x") is None
    with pytest.raises(KeyError):
        View({}).popitem()


def test_a_step_cannot_change_later_what_it_returned():
    kept = []

    def first(state):
        kept.append({"n": [1]})
        return {"x": kept[0]}

    def second(state):
        kept[0]["n"].append(2)
        return {"seen": state["x"]["n"]}

    assert pipe({}, [("first", first), ("second", second)]) == {"x": {"n": [1]}, "seen": [1]}


def test_objects_go_by_reference():
    client = object()
    seen = []
    result = pipe({"client": client, "deep": [client]}, [("use", lambda s: seen.extend([s["client"], s["deep"][0]]))])
    assert seen == [client, client]
    assert result["client"] is client


def test_without_outputs_only_changed_keys_count():
    def whole(state):
        state["b"] = 2
        del state["gone"]
        return state

    assert pipe({"a": 1, "gone": 0}, [("whole", whole)]) == {"a": 1, "b": 2, "gone": 0}


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (1, 1.0), ([1], (1,)), ({"a": 1}, {"a": True}), ("1", 1), (None, 0), ([1, 2], [1])]
)
def test_equal_to_python_is_not_the_same_to_the_pipe(one, other):
    assert not same(one, other)
    assert same(one, copied(one))
    with pytest.raises(Conflict, match=r"g/a and g/b .*'k'"):
        pipe({}, [("g", [("a", lambda s: {"k": one}), ("b", lambda s: {"k": other})])])


def test_equal_values_side_by_side_merge():
    assert merged([("a", {"k": [1]}), ("b", {"k": [1], "m": 2})]) == {"k": [1], "m": 2}


def test_values_that_cannot_be_compared_count_as_changed():
    class Array:
        def __eq__(self, other):
            raise ValueError("ambiguous")

        __hash__ = None

    new = Array()
    assert pipe({"x": Array()}, [("a", lambda s: {"x": new})])["x"] is new


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ([1], "step bad returned of type list"),
        ("text", "step bad returned of type str"),
        ({"outputs": 3}, '"outputs" that is of type int'),
        ({"outputs": {"outputs": 1}}, '"outputs".*reserved'),
        ({1: 2}, "key 1 .*of type int"),
    ],
)
def test_a_wrong_return_is_named_with_its_step(result, says):
    with pytest.raises(Misuse, match=says) as caught:
        pipe({}, [("bad", lambda state: result)])
    assert "in step bad" in caught.value.__notes__
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "says"), [([], "data must be a mapping"), ({"outputs": 1}, "reserved"), ({1: 1}, "key 1")]
)
def test_wrong_data_is_refused_before_anything_runs(data, says):
    ran = []
    with pytest.raises(Misuse, match=says):
        pipe(data, [("a", lambda state: ran.append(1))])
    assert not ran


def test_empty_outputs_pass_nothing_along():
    assert pipe({"a": 1}, [("x", lambda s: {"outputs": None, "a": 2}), ("y", lambda s: {"outputs": {}})]) == {"a": 1}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=15,
)
states = st.dictionaries(st.text(max_size=4).filter(lambda key: key != "outputs"), plain, max_size=5)


def _spoil(value):
    """Change everything that can be changed in a value."""
    if isinstance(value, list):
        for item in value:
            _spoil(item)
        value.append("spoilt")
    elif isinstance(value, dict):
        for item in list(value.values()):
            _spoil(item)
        value["spoilt"] = True


@given(states)
def test_whatever_a_step_does_to_its_view_what_it_does_not_return_did_not_happen(data):
    before = copy.deepcopy(data)

    def spoil(state):
        for value in list(state.values()):
            _spoil(value)
        state.clear()

    assert pipe(data, [("spoil", spoil)]) == before
    assert data == before


@given(states, states)
def test_a_step_that_returns_outputs_gives_exactly_these(data, outputs):
    assert pipe(data, [("give", lambda state: {"outputs": outputs})]) == {**data, **outputs}
