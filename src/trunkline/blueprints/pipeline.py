"""What a blueprint answers: the steps of a job, and the data it begins with."""

from __future__ import annotations

from typing import Any, NamedTuple


class Pipeline(NamedTuple):
    """A job, ready for `pipe(pipeline.data, pipeline.steps)`."""

    steps: list[Any]
    data: dict[str, Any]
