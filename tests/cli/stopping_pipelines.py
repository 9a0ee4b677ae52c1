"""Pipelines in which something hangs: a step, a router that is called inside a scope, a close."""

import time

from trunkline import during, here, nothing, step


def mark(word):
    print(word, flush=True)


def opened(name):
    def opens(state):
        here().note("tcp/8000")
        mark(f"open {name}")

    return opens


def closed(name, seconds=0.0):
    def closes(state):
        mark(f"closing {name}")
        time.sleep(seconds)
        mark(f"closed {name}")

    return closes


def hang(state):
    mark("hanging")
    time.sleep(300)  # a call without a time limit: it looks at nothing, and hears nothing


def work(seconds):
    def works(state):
        mark("hanging")
        time.sleep(seconds)
        mark("worked")

    return works


def scopes(inner, outer_close=0.0, inner_close=0.0):
    inside = during("tokens", open=opened("tokens"), close=closed("tokens", inner_close), steps=[("work", inner)])
    return [during("access", open=opened("access"), close=closed("access", outer_close), steps=[inside])]


def hanging_step():
    return scopes(hang)


def short_step():
    return scopes(work(0.4))


def hanging_close():
    return scopes(work(0.0), inner_close=300)


def waiting_then_hanging_close():
    def waits(state):
        mark("hanging")
        here().pause(300)

    return scopes(waits, inner_close=300)


def everything_hangs():
    return scopes(hang, outer_close=300, inner_close=300)


def fails_then_undoes_slowly():
    def slow_undo(state):
        mark("hanging")
        time.sleep(0.5)
        mark("undone second")

    def fail(state):
        raise ValueError("planted")

    return [
        ("first", step(lambda s: None, undo=lambda s: mark("undone first"))),
        ("second", [("slow", step(lambda s: None, undo=slow_undo))]),
        ("bad", step(fail, undo=nothing)),
    ]
