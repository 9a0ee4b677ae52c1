"""trunkline: pipes that build hybrid-cloud networks.

A dictionary of state flows through named steps. Each takes it, does its work with whatever client and template
were bound to it by `functools.partial`, and returns what it adds. Errors stand in `trunkline.errors`.
"""

from trunkline._core.context import here
from trunkline._core.errors import Error
from trunkline._core.events import Observer
from trunkline._core.fields import Field
from trunkline._core.steps import Node, Step, during, each, nothing, step
from trunkline._core.wiring import check
from trunkline.pipes import apipe, pipe, undo

__all__ = [
    "Error",
    "Field",
    "Node",
    "Observer",
    "Step",
    "apipe",
    "check",
    "during",
    "each",
    "here",
    "nothing",
    "pipe",
    "step",
    "undo",
]
