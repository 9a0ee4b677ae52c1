"""Running steps: order, side by side, loops and threads, errors and their paths."""

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from trunkline import Field, Node, apipe, each, here, pipe, step
from trunkline.errors import Misuse, StepTimeout


def test_a_pipe_of_plain_functions_imports_no_event_loop_and_no_database():
    program = (
        "import sys; from trunkline import pipe\n"
        "assert pipe({'x': 1}, [('a', lambda s: {'x': s['x'] + 1}), ('b', lambda s: None)]) == {'x': 2}\n"
        "assert not {'asyncio', 'sqlite3'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_plain_functions_run_in_the_callers_thread_until_a_loop_is_needed():
    threads = []

    def note(state):
        threads.append(threading.current_thread())

    async def wait(state):
        await asyncio.sleep(0)

    pipe({}, [("before", note), ("loop", wait), ("after", note)])
    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()


def test_ten_thousand_steps():
    steps = [(f"s{n}", lambda state: {"n": state["n"] + 1}) for n in range(10_000)]
    assert pipe({"n": 0}, steps) == {"n": 10_000}


def test_sync_and_async_functions_run_side_by_side():
    barrier = threading.Barrier(3, timeout=5)  # all three must be inside at once

    def blocking(state):
        barrier.wait()

    async def waiting(state):
        await asyncio.to_thread(barrier.wait)
        return {"async": True}

    assert pipe({}, [("g", [("one", blocking), ("two", blocking), ("three", waiting)])]) == {"async": True}


def test_a_hundred_blocking_steps_side_by_side_are_all_in_flight_at_once():
    barrier = threading.Barrier(100, timeout=10)
    arrive = lambda state: {} if barrier.wait() >= 0 else None  # noqa: E731
    pipe({}, [("g", [(f"s{n}", arrive) for n in range(100)])])


def test_siblings_do_not_see_each_other():
    def one(state):
        state["x"].append("one")
        return {"one": list(state)}

    def two(state):
        time.sleep(0.05)
        return {"two": state["x"]}

    assert pipe({"x": []}, [("g", [one, two])]) == {"x": [], "one": ["x"], "two": []}


def test_pipe_inside_a_running_loop():
    async def main():
        return pipe({}, [("g", [("a", partial(_after, 0.01, "a")), ("b", partial(_after, 0.01, "b"))])])

    assert asyncio.run(main()) == {"a": 1, "b": 1}


async def _after(seconds, key, state):
    await asyncio.sleep(seconds)
    return {key: 1}


def test_pipe_inside_a_step_of_a_pipe():
    def inner(state):
        path = here().path
        got = pipe(
            {"y": state["x"]}, [("in", lambda s: {"path": here().path}), ("g", [("a", partial(_after, 0, "a"))])]
        )
        assert here().path == path
        return got

    assert pipe({"x": 1}, [("out", inner), ("g", [("nested", inner)])]) == {"x": 1, "y": 1, "path": "in", "a": 1}


def test_async_behind_partials_callable_objects_and_plain_functions():
    class Async:
        async def __call__(self, state):
            return {"object": 1}

    steps = [
        ("partial", partial(partial(_after, 0), "partial")),
        ("object", Async()),
        ("step", step(partial(_after, 0, "step"))),
        ("lambda", lambda state: _after(0, "lambda", state)),
    ]
    assert pipe({}, steps) == {"partial": 1, "object": 1, "step": 1, "lambda": 1}
    assert pipe({}, steps[3:]) == {"lambda": 1}  # the first to need a loop is one that does not look like it
    assert asyncio.run(apipe({}, steps)) == {"partial": 1, "object": 1, "step": 1, "lambda": 1}


def test_context_variables_of_the_caller_are_seen_by_steps():
    variable = contextvars.ContextVar("variable")
    variable.set("mine")
    look = lambda key: (key, lambda state: {key: variable.get()})  # noqa: E731
    assert pipe({}, [look("direct"), ("g", [look("thread")])]) == {"direct": "mine", "thread": "mine"}


def test_here_tells_run_path_and_a_token_that_never_changes():
    def tell(state):
        return {here().path: (here().run, here().token)}

    def once():
        return pipe({"items": ["10.0.0.0/16"]}, [
            ("a", tell), ("g", [("b", tell)]), each("e", over="items", steps=[("c", tell)]),
        ], run="acme")  # fmt: skip

    first, second = once(), once()
    assert first == second
    assert first["a"][0] == "acme"
    assert len(first["a"][1]) == 32
    assert first["a"][1] != first["g/b"][1]
    assert first["e"] == {"10.0.0.0%2F16": {"e[10.0.0.0%2F16]/c": first["e"]["10.0.0.0%2F16"]["e[10.0.0.0%2F16]/c"]}}
    assert pipe({}, [("a", tell)], run="other")["a"][1] != first["a"][1]


def test_here_outside_of_a_step():
    with pytest.raises(LookupError, match="inside a step"):
        here()


class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"refused {code}")
        self.code = code


def refuse(state):
    raise Refused(7)


async def refuse_async(state):
    raise Refused(8)


@pytest.mark.parametrize("fn", [refuse, refuse_async])
def test_an_exception_keeps_its_type_and_says_where(fn):
    for steps, path in [([("vpc", fn)], "vpc"), ([("vpc", [("up", fn)])], "vpc/up")]:
        with pytest.raises(Refused) as caught:
            pipe({}, steps)
        assert caught.value.code in (7, 8)
        assert caught.value.__notes__ == [f"in step {path}"]


def test_siblings_of_a_failure_finish_and_several_failures_are_a_group():
    done = []

    def slow(state):
        time.sleep(0.05)
        done.append("slow")

    with pytest.raises(Refused):
        pipe({}, [("g", [("bad", refuse), ("slow", slow)])])
    assert done == ["slow"]
    with pytest.raises(ExceptionGroup, match="2 of the steps side by side in g") as caught:
        pipe({}, [("g", [("bad", refuse), ("worse", refuse_async), ("slow", slow)])])
    assert sorted(error.code for error in caught.value.exceptions) == [7, 8]
    assert {note for error in caught.value.exceptions for note in error.__notes__} == {
        "in step g/bad",
        "in step g/worse",
    }


@pytest.mark.parametrize("stop", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("wrap", [lambda fn: [("s", fn)], lambda fn: [("g", [("s", fn), ("t", lambda s: None)])]])
def test_a_step_that_exits_does(stop, wrap):
    def leave(state):
        raise stop

    async def leave_async(state):
        raise stop

    for fn in (leave, leave_async):
        with pytest.raises(type(stop)):
            pipe({}, wrap(fn))


def test_stop_iteration_from_a_step_does_not_hang():
    def stop(state):
        next(iter(()))

    with pytest.raises(RuntimeError):
        pipe({}, [("s", stop)])
    with pytest.raises(RuntimeError):
        pipe({}, [("g", [("s", stop), ("t", lambda s: None)])])


def test_a_timeout_names_the_step_and_cancels_what_it_waits_for():
    cancelled = []

    async def forever(state):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(StepTimeout, match=r"step slow .* 0\.05 s"):
        pipe({}, [("slow", step(forever, timeout=0.05))])
    assert cancelled == [True]


def test_a_plain_function_sees_its_deadline_and_its_thread_is_waited_for():
    ended = []

    def patient(state):
        assert 0 < here().remaining <= 0.1
        while here().remaining > -0.05:
            time.sleep(0.01)
        ended.append(True)

    with pytest.raises(StepTimeout):
        pipe({}, [("patient", step(patient, timeout=0.1))])
    assert ended == [True]
    assert pipe({}, [("quick", step(lambda state: {"x": 1}, timeout=5))]) == {"x": 1}


def test_a_timeout_that_the_step_raises_itself_is_its_own():
    async def own(state):
        raise TimeoutError("theirs")

    with pytest.raises(TimeoutError, match="theirs") as caught:
        pipe({}, [("own", step(own, timeout=5))])
    assert type(caught.value) is TimeoutError


def test_a_thread_that_never_ends_is_given_up_after_a_time(monkeypatch):
    monkeypatch.setattr("trunkline._core.walk.UNHURRIED", 0.1)
    release = threading.Event()
    started = time.monotonic()
    with pytest.raises(StepTimeout):
        pipe({}, [("stuck", step(lambda state: release.wait() and None, timeout=0.05))], grace=0.1)
    assert time.monotonic() - started < 5
    release.set()


def test_each_gathers_what_the_items_gave_by_their_own_keys():
    data = {"routers": [{"name": "r1", "n": 1}, {"id": "r2", "n": 2}, {"key": 3, "n": 3}]}
    result = pipe(data, [each("got", over="routers", steps=[
        ("twice", lambda s: {"n": s["item"]["n"] * 2}), ("more", lambda s: {"m": s["n"] + 1}),
    ])])  # fmt: skip
    assert result["got"] == {"r1": {"n": 2, "m": 3}, "r2": {"n": 4, "m": 5}, "3": {"n": 6, "m": 7}}
    assert "item" not in result
    over = lambda state: [len(state["routers"])]  # noqa: E731
    assert pipe(data, [each("e", over=over, steps=[("x", lambda s: {"x": s["item"]})])])["e"] == {"3": {"x": 3}}
    assert pipe({"none": []}, [each("e", over="none", steps=[("x", refuse)])])["e"] == {}
    mapping = {"m": {"a": {"v": 1}, "b": {"v": 2}}}
    assert pipe(mapping, [each("e", over="m", steps=[("x", lambda s: {"v": s["item"]["v"]})])])["e"] == mapping["m"]


@pytest.mark.parametrize(
    ("over", "data", "says"),
    [
        ("missing", {}, "no key 'missing'"),
        ("n", {"n": 3}, "'n' is of type int"),
        ("n", {"n": "text"}, "'n' is of type str"),
        ("n", {"n": [{"v": 1}]}, "has no name, id or key"),
        ("n", {"n": [None]}, "has no name, id or key"),
        ("n", {"n": ["a", "a"]}, "two items have the key 'a'"),
    ],
)
def test_each_over_the_wrong_thing(over, data, says):
    with pytest.raises(Exception, match=says):
        pipe(data, [each("e", over=over, steps=[("x", lambda s: None)])])


def f(state):
    return None


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (3, "not a list of steps"),
        ("text", "not a list of steps"),
        ([3], "3 is no step"),
        ([f], "is no step"),
        ([("a",)], "is no step"),
        ([("a", f, f)], "is no step"),
        ([("a", 3)], "step a is 3, which is not callable"),
        ([("", f)], "named ''"),
        ([("a/b", f)], "contains '/'"),
        ([("a#b", f)], "contains '#'"),
        ([("a[b", f)], r"contains '\['"),
        ([("a~b", f)], "contains '~'"),
        ([("a\n", f)], r"named 'a"),
        ([("a", f), ("a", f)], "two steps are named 'a'"),
        ([("g", [])], "a list without steps"),
        ([("g", [partial(f), partial(f)])], "two steps are named 'f'"),
        ([("g", [3])], "3 is no step"),
        ([("g", [("x", f), ("x", f)])], "two steps are named 'x'"),
    ],
)
def test_misuse_names_the_step_and_the_remedy_before_anything_runs(steps, says):
    ran = []
    if isinstance(steps, list):
        steps = [("first", lambda state: ran.append(1)), *steps]
    with pytest.raises(Misuse, match=says) as caught:
        pipe({}, steps)
    assert caught.value.hint
    assert not ran


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: step(3), "fn=3 is not callable"),
        (lambda: step(f, undo=3), "undo=3"),
        (lambda: step(f, timeout=0), "timeout=0"),
        (lambda: step(f, timeout=float("nan")), "timeout=nan"),
        (lambda: step(f, timeout="3"), "timeout='3'"),
        (lambda: step(f, needs={"x": "cidr"}), r"needs\['x'\]='cidr' is no Field"),
        (lambda: Field("cdir"), "kind='cdir'"),
        (lambda: pipe({}, [], grace="x"), "grace='x'"),
        (lambda: pipe({}, [], grace=-1), "grace=-1"),
        (lambda: pipe({}, [], observers=print), "has no method on"),
        (lambda: pipe({}, [], observers=[print]), "has no method on"),
        (lambda: step(f, needs="key"), "needs='key' is one text"),
        (lambda: each("e", over=3, steps=[("a", f)]), "over=3"),
        (lambda: pipe({}, [], run=""), "run=''"),
        (lambda: pipe({}, [], run=3), "run=3"),
    ],
)
def test_misuse_of_the_words(make, says):
    with pytest.raises(Misuse, match=says):
        make()


def test_a_third_party_adds_an_idiom_in_a_few_lines():
    class Retry:
        def __init__(self, name, times, steps):
            self.name, self.times, self.steps = name, times, steps

        def parts(self):
            return self.steps

        async def run(self, state, at):
            for left in reversed(range(self.times)):
                try:
                    return await at.walk(self.steps, state)
                except Refused:
                    if not left:
                        raise

    tries = []

    def flaky(state):
        tries.append(here().path)
        if len(tries) < 3:
            raise Refused(1)
        return {"done": len(tries)}

    retry = Retry("again", 3, [("flaky", flaky)])
    assert isinstance(retry, Node)
    assert pipe({}, [retry]) == {"done": 3}
    assert tries == ["again/flaky"] * 3
    with pytest.raises(Refused):
        pipe({}, [Retry("again", 2, [("bad", refuse)])])
