"""check: what is wrong with a pipe before anything runs."""

import pytest

from trunkline import Field, check, during, each, step


def f(state):
    raise AssertionError("check must run nothing")


def told(needs=(), gives=()):
    return step(f, needs=needs, gives=gives)


def problems(steps, data=None):
    return [(p.level, p.path, p.message) for p in check(steps, data or {})]


def test_a_sound_pipe_has_no_problems():
    steps = [
        ("a", told(["x"], ["y"])),
        ("g", [("b", told(["y"], ["z"])), ("c", told(["x"], ["w"]))]),
        during("s", open=told(["z"], ["token"]), close=told(["token"]), steps=[("d", told(["token", "w"], ["v"]))]),
        each("e", over="list", steps=[("t", told(["item", "v"], ["u"]))]),
        ("last", told(["e"])),
    ]
    assert problems(steps, {"x": 1, "list": []}) == []


def test_a_missing_key_is_an_error_before_an_opaque_step_and_a_warning_after_it():
    assert problems([("a", told(["x"])), ("opaque", f)]) == [("error", "a", "needs the key 'x', which nothing gives")]
    assert problems([("opaque", f), ("a", told(["x"]))]) == [
        ("warning", "a", "needs the key 'x'; only opaque can give it, and does not say so")
    ]


def test_a_misspelt_key_is_answered_with_the_near_one():
    (problem,) = check([("a", told((), ["vpc_cidr"])), ("b", told(["vpc_cdir"]))], {})
    assert problem.hint == "did you mean 'vpc_cidr'?"
    assert str(problem) == "error: b: needs the key 'vpc_cdir', which nothing gives (did you mean 'vpc_cidr'?)"


def test_siblings_do_not_feed_each_other():
    steps = [("g", [("a", told((), ["x"])), ("b", told(["x"]))])]
    assert problems(steps) == [("error", "g/b", "needs the key 'x', which nothing gives")]


def test_two_givers_of_one_key():
    assert problems([("a", told((), ["x"])), ("b", told((), ["x"]))]) == [
        ("error", "b", "gives the key 'x', which a gives too")
    ]
    assert problems([("g", [("a", told((), ["x"])), ("b", told((), ["x"]))])]) == [
        ("error", "g/b", "gives the key 'x', which g/a gives beside it")
    ]
    assert problems([("a", told((), ["x"])), ("more", told(["x"], ["x"]))]) == []  # it enriches what it reads


def test_what_open_gives_ends_with_the_scope():
    scope = during("s", open=told((), ["token"]), close=told(["token"]), steps=[("in", told((), ["kept"]))])
    assert problems([scope, ("after", told(["kept", "token"]))]) == [
        ("error", "after", "needs the key 'token', which nothing gives")
    ]


def test_an_opaque_step_inside_a_scope_hides_what_comes_after_it():
    scope = during("s", open=told(), close=told(), steps=[("opaque", f)])
    assert problems([scope, ("after", told(["x"]))]) == [
        ("warning", "after", "needs the key 'x'; only s/opaque can give it, and does not say so")
    ]


def test_keys_that_no_step_uses():
    assert problems([("a", told(["x"]))], {"x": 1, "y": 2}) == [("warning", "data", "no step uses the key 'y'")]
    assert problems([("a", told(["x"])), ("opaque", f)], {"x": 1, "y": 2}) == []  # it may use it


@pytest.mark.parametrize(
    ("field", "good", "bad", "says"),
    [
        (Field("cidr"), "10.1.0.0/16", "10.1.0.1/16", "has host bits set"),
        (Field("cidr"), "2001:db8::/32", "10.1.0.0/33", "is no CIDR"),
        (Field("cidr"), "10.1.0.0/16", 7, "of type int, not text"),
        (Field("address"), "10.1.0.4", "10.1.0", "is no address"),
        (Field("address"), "::1", "10.1.0.0/16", "is no address"),
        (Field("cidrs"), ["10.0.0.0/8"], ["10.0.0.0/8", "x"], "holds 'x'"),
        (Field("addresses"), [], "10.0.0.1", "is no list"),
        (Field("int"), 3, True, "of type bool, not int"),
        (Field("number"), 3.5, "3", "of type str, not number"),
        (Field("bool"), False, 0, "of type int, not bool"),
        (Field("str"), "", 3, "of type int, not str"),
        (Field("list"), [], {}, "of type dict, not list"),
        (Field("dict"), {}, [], "of type list, not dict"),
        (Field("str", allowed=("small", "large")), "small", "huge", "is none of small, large"),
        (Field("str", pattern="[a-z]+"), "abc", "abc1", "does not match"),
    ],
)
def test_values_that_do_not_parse(field, good, bad, says):
    steps = [("vpc", told({"k": field}))]
    assert problems(steps, {"k": good}) == []
    ((level, path, message),) = problems(steps, {"k": bad})
    assert (level, path) == ("error", "vpc")
    assert says in message
    assert repr(bad) in message


def test_a_secret_value_is_not_shown():
    ((_, _, message),) = problems([("a", told({"k": Field("int", secret=True)}))], {"k": "hunter2"})
    assert "hunter2" not in message


def test_an_optional_key_may_be_missing():
    assert problems([("a", told({"k": Field("cidr", required=False)}))]) == []


def test_every_item_of_each_is_checked_once_and_gives_under_its_name():
    steps = [each("e", over="missing", steps=[("t", told(["item", "x"]))]), ("after", told(["e"]))]
    assert problems(steps) == [
        ("error", "e", "needs the key 'missing', which nothing gives"),
        ("error", "e[]/t", "needs the key 'x', which nothing gives"),
    ]


def test_a_third_partys_node_is_looked_into():
    class When:
        name = "when"

        def parts(self):
            return [("a", told(["x"], ["y"]))]

        async def run(self, state, at):
            return await at.walk(self.parts(), state)

    assert problems([When(), ("b", told(["y"]))]) == [("error", "when/a", "needs the key 'x', which nothing gives")]
