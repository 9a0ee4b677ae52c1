"""`trunkline secrets`: rotating what is generated, changing the master key, and how both stand."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import chdir, closing, redirect_stdout
from itertools import takewhile
from pathlib import Path
from typing import Any

from trunkline.cli import pipelines, say
from trunkline.cli.exits import Exit
from trunkline.cli.home import journal_file
from trunkline.config import load
from trunkline.durable import history
from trunkline.durable.errors import RunState
from trunkline.durable.history import Told
from trunkline.durable.secrets import Secrets
from trunkline.durable.store import Store

PREFIX = "rotate-"


def rotate(run: str | None, config: Path | None, extra: Sequence[str], *, as_json: bool) -> int:
    """Rotate the secrets of one run, or of all that stand; DONE when every one was rotated."""
    rotated, failed, without = _rotate(run, config, extra)
    _tell(rotated, failed, without, as_json)
    if not failed:
        return Exit.DONE if rotated or run is None else Exit.FAILED
    return max(failed.values())


def rekey(config: Path | None, extra: Sequence[str], *, as_json: bool) -> int:
    """Change the master key and rotate everything; the old key goes when nothing needs it any more."""
    key = Secrets(load(config).home).key
    key.change()
    rotated, failed, without = _rotate(None, config, extra)
    _tell(rotated, failed, without, as_json)
    if failed or without:
        say.warning(
            "the master key before is kept: it still opens what was not rotated",
            "see to what is named above, then run trunkline secrets rekey again",
        )
        return max([Exit.NEEDS_HANDS, *failed.values()])
    key.forget_old()
    say.line("the master key before is gone")
    return Exit.DONE


def status(config: Path | None, *, as_json: bool) -> int:
    """Where the master key stands, and what is under way. Shows no secret."""
    kept = Secrets(load(config).home)
    pending = kept.generations.pending()
    changing = kept.key.before() is not None
    if as_json:
        say.result({"version": "1.0", "master_key": kept.key.where(), "changing": changing, "pending": pending})
        return Exit.DONE
    say.out(f"master key: {kept.key.where()}")
    if changing:
        say.out("a change of the key is under way; go on: trunkline secrets rekey")
    for label in pending:
        say.out(f"rotated and not seen in force: {label}; go on: trunkline secrets rotate")
    return Exit.DONE


def show(reference: str, config: Path | None) -> int:
    """Print the one secret that was asked for: for whoever must type it elsewhere."""
    say.out(load(config).resolve(reference).reveal())
    return Exit.DONE


def _rotate(run: str | None, config: Path | None, extra: Sequence[str]) -> tuple[list[str], dict[str, int], list[str]]:
    """The runs that were rotated, those that were not with their exit codes, and those that nothing can rotate.

    A run that has not reached a router yet is none of them: it has nothing to rotate.
    """
    told = _runs(config)
    if run is not None and run not in [each.name for each in told]:
        raise RunState(f"there is no run {run!r} in the journal", hint="`trunkline history` shows those there are")
    rotated, failed, without = list[str](), dict[str, int](), list[str]()
    for target in told:
        if run not in (None, target.name) or target.pipeline.startswith(PREFIX) or target.standing == "undone":
            continue
        if PREFIX + target.pipeline not in pipelines.installed():
            without.append(target.name)
            continue
        if not reached(target):
            say.line(f"{target.name}: it has not reached a router yet, so no secret of it is in use")
            continue
        code = _rotate_one(target, told, config, extra)
        if code == Exit.DONE:
            rotated.append(target.name)
        else:
            failed[target.name] = code
        if code == Exit.INTERRUPTED:
            break
    return rotated, failed, without


def reached(target: Told) -> bool:
    """Whether a run came, since it was last undone, to open access to its routers: no secret is in use before that."""
    since = takewhile(lambda each: each.outcome != "undone", reversed(target.attempts))
    return target.standing == "done" or any(each.exposed for each in since)


def _rotate_one(target: Told, told: Sequence[Told], config: Path | None, extra: Sequence[str]) -> int:
    from trunkline.cli import running
    from trunkline.cli.command import perform
    from trunkline.cli.failures import failed

    directory, _, pipeline, *options = target.words
    words = [PREFIX + pipeline, "--of", target.name, "--name", _name(target, told)]
    words += _taken(options, PREFIX + pipeline, leave=["--config"] if config else [])
    words += ["--config", str(config.absolute())] if config else []
    try:
        with chdir(directory if Path(directory).is_dir() else os.curdir), redirect_stdout(sys.stderr):
            return perform("up", [*words, *extra], running.up, without=["--format"])
    except Exception as error:  # the others can still be rotated
        say.line(f"{target.name}:")
        return failed(error, debug="--debug" in extra)


def _name(target: Told, told: Sequence[Told]) -> str:
    """The rotation that was begun and not finished, else a new one's name."""
    before = [each for each in told if each.pipeline.startswith(PREFIX) and _of(each) == target.name]
    unfinished = [each.name for each in before if each.standing not in ("done", "undone")]
    return unfinished[-1] if unfinished else f"{target.name[:36]}-rotation-{len(before) + 1}"


def _of(rotation: Told) -> str:
    return rotation.words[rotation.words.index("--of") + 1] if "--of" in rotation.words else ""


def _taken(options: Sequence[str], pipeline: str, *, leave: Sequence[str]) -> list[str]:
    """Of a run's options those that its rotation has, too, and where its configuration is."""
    from trunkline.cli.options import inputs

    flags = {each.flag for each in inputs(pipelines.find(pipeline), pipeline)} - {"--of"}
    wanted = ({"--config", "--from"} | flags) - set(leave)
    taken: list[str] = []
    rest = iter(options)
    for word in rest:
        flag, equals, _ = word.partition("=")
        if flag in wanted:
            taken += [word] if equals else [word, next(rest, "")]
    return taken


def _runs(config: Path | None) -> list[Told]:
    """Every run of the journal, the oldest first."""
    file = journal_file(load(config))
    if not file.exists():
        raise RunState(f"there is no journal at {file}", hint="it is made by the first `trunkline up`")
    with closing(Store(file)) as store:
        return [history.run(store, each.name) for each in reversed(history.runs(store))]


def _tell(rotated: list[str], failed: dict[str, int], without: list[str], as_json: bool) -> None:
    if as_json:
        result: dict[str, Any] = {"version": "1.0", "rotated": rotated, "failed": failed, "cannot": without}
        say.result(result)
        return
    say.out(f"rotated: {say.joined(rotated)}")
    for name, code in failed.items():
        say.out(f"not rotated: {name} (exit code {code}); go on: trunkline secrets rotate --run {name}")
    for name in without:
        say.warning(f"{name}: its pipeline has no rotation", "rotate what it made by hand")
