"""trunkline: pipes that build hybrid-cloud networks.

A dictionary of state flows through named steps. Each takes it, does its work with whatever client and template
were bound to it by `functools.partial`, and returns what it adds.
"""

from trunkline._core.context import Here, here
from trunkline._core.errors import Conflict, Error, Misuse, StepTimeout
from trunkline._core.events import Observer
from trunkline._core.fields import Field
from trunkline._core.pipe import apipe, pipe
from trunkline._core.steps import Node, Step, during, each, step
from trunkline._core.wiring import check

__all__ = [
    "Conflict",
    "Error",
    "Field",
    "Here",
    "Misuse",
    "Node",
    "Observer",
    "Step",
    "StepTimeout",
    "apipe",
    "check",
    "during",
    "each",
    "here",
    "pipe",
    "step",
]
