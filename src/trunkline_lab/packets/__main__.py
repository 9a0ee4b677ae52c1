"""The fabric's process: `python -m trunkline_lab.packets`, started by the lab in namespaces of its own.

It ends when its standard input ends, so also when the lab is killed; being the first of its process namespace, it
takes every daemon and every network namespace along.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .fabric import Fabric
from .gateways import RealGateways
from .messages import converter, plain
from .needs import path
from .plan import Plan, Unknown

_NAMESPACES, _DAEMONS = "/run", "/mnt"
_log = logging.getLogger(__name__)


def main() -> None:
    """Serve until the standard input ends."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s packets %(levelname)s %(message)s", stream=sys.stderr)
    os.environ["PATH"] = path()
    if os.getpid() != 1:
        sys.exit("trunkline_lab.packets is started by the lab, in namespaces of its own: trunkline lab up --packets")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a program prints by mistake is no answer
    # Both are this process's own, and gone with it: no file of it is ever seen outside.
    for directory in (_NAMESPACES, _DAEMONS):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], check=True)
    fabric = Fabric(RealGateways(Path(_DAEMONS)))
    speaking = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with speaking:
            answers.write(json.dumps(message) + "\n")
            answers.flush()

    def answer(asked: dict[str, Any]) -> None:
        try:
            say({"id": asked["id"], "gives": plain(_calls(fabric)[asked["do"]](**asked["with"]))})
        except Exception as error:
            refused = isinstance(error, Unknown)
            if not refused:
                _log.exception("%s failed", asked["do"])
            say({"id": asked["id"], "failed": str(error) or type(error).__name__, "refused": refused})

    say({"ready": True})
    workers = ThreadPoolExecutor(32, thread_name_prefix="asked")
    for line in sys.stdin:
        workers.submit(answer, json.loads(line))
    os._exit(0)  # at once: the kernel ends everything else of this process namespace


def _calls(fabric: Fabric) -> dict[str, Callable[..., Any]]:
    def apply(plan: dict[str, Any]) -> bool:
        return fabric.apply(converter().structure(plan, Plan))

    asked = (
        "state",
        "hosts",
        "ping",
        "curl",
        "iperf",
        "connect",
        "forge",
        "capture",
        "flood",
        "talk",
        "renegotiate",
        "strike",
        "mend",
    )
    return {"apply": apply, **{name: getattr(fabric, name) for name in asked}}


if __name__ == "__main__":
    main()
