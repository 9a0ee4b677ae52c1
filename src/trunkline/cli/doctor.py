"""`trunkline doctor`: is all there that a run needs?"""

from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trunkline._core.errors import Error
from trunkline.cli import say
from trunkline.cli.exits import Exit
from trunkline.config import Config, ConfigError, load

# One module for each extra that tells whether it is installed.
EXTRAS = {"aws": "boto3", "azure": "azure.identity", "vns3": "cohesivenet", "keyring": "keyring", "lab": "moto"}
MARKS = {"ok": ("✔", "32"), "warning": ("!", say.YELLOW), "error": ("✘", say.RED)}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    level: Literal["ok", "warning", "error"]
    text: str
    hint: str | None = None


def doctor(config: Path | None, *, as_json: bool, debug: bool) -> int:
    """Look at everything and show it; FAILED when something that is needed is not right."""
    findings = [*_python(), *_extras()]
    try:
        loaded = load(config)
        findings.append(Finding("configuration", "ok", str(loaded.path)))
        findings += [*_references(loaded), *_accounts(loaded, debug)]
    except ConfigError as error:
        findings.append(Finding("configuration", "error", str(error), error.hint))
    findings += _lab()
    failed = any(each.level == "error" for each in findings)
    if as_json:
        say.result({"version": "1.0", "ok": not failed, "findings": [vars(each) for each in findings]})
    else:
        width = max(len(each.what) for each in findings)
        for each in findings:
            mark, colour = MARKS[each.level]
            say.out(f"{say.painted(mark, colour, sys.stdout)} {each.what:{width}}  {each.text}")
            if each.hint:
                say.out(f"  {'':{width}}  hint: {each.hint}")
    return Exit.FAILED if failed else Exit.DONE


def _python() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _extras() -> Iterator[Finding]:
    for extra, module in EXTRAS.items():
        if _installed(module):
            yield Finding(f"extra {extra}", "ok", f"{module} is installed")
        else:
            yield Finding(f"extra {extra}", "warning", f"{module} is missing", f"pip install 'trunkline[{extra}]'")


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def _references(config: Config) -> Iterator[Finding]:
    """Whether the secrets that the configuration refers to are to be had. They are read, and not shown."""
    named = {f"router.{key}": text for key, text in config.router.items() if key != "kind"}
    named |= {f"sites.{name}.secret": site.secret for name, site in config.sites.items()}
    for where, reference in named.items():
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            try:
                config.resolve(reference)
            except Error as error:
                yield Finding(where, "error", str(error), error.hint or f"make it, or mend {where} in {config.path}")
        yield from (Finding(where, "warning", str(doubt.message)) for doubt in doubts)
    if config.source is None:
        yield Finding("from", "warning", "the caller's own address is not in the file", "give --from ADDRESS to a run")


def _accounts(config: Config, debug: bool) -> Iterator[Finding]:
    """Whether the credentials reach each account: the question is a real one, what is exposed there now."""
    with ThreadPoolExecutor(max_workers=max(len(config.accounts), 1)) as threads:
        yield from threads.map(lambda name: _account(config, name, debug), config.accounts)


def _account(config: Config, name: str, debug: bool) -> Finding:
    what = f"account {name}"
    try:
        account = config.account(name)
        found = account.exposures()
    except Exception as error:
        if debug:
            say.failure(error, debug=True)
        text = str(error) if isinstance(error, Error) else f"{type(error).__name__}: {error}"
        return Finding(what, "error", text, say.hint_of(error))
    text = f"{account.cloud} {account.region} answers; exposed now: {len(found) or 'nothing'}"
    return Finding(what, "ok", text)


def _lab() -> Iterator[Finding]:
    if not _installed("moto") or not _installed("trunkline_lab.cli"):
        return
    answer = subprocess.run(
        [sys.executable, "-m", "trunkline_lab", "status", "--json"], capture_output=True, text=True, check=False
    )
    up = answer.returncode == 0
    yield Finding("lab", "ok", "is up" if up else "none of the default name is up; trunkline lab up starts it")
