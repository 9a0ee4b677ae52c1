"""How a lab is to be: what `trunkline lab up` was asked for, and what the process of its own is told again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Habits:
    """What the lab's clouds are like.

    Parameters:
        read_lag: AWS: half of EC2's answers (a seeded coin says which) come from a replica that is so many seconds
            behind. Azure's providers answer a GET from what was written, so nothing lags there.
        passing: AWS: for so many seconds what was asked for is under way (pending, attaching, deleting).
        limits: AWS: an account may have as many of a kind as a new account of AWS may.
        buckets: AWS: local folders with templates, by the name of the S3 bucket that each stands for in a TemplateURL.
        templates: Azure: local folders with linked templates, by the beginning of the addresses that they stand for.
        basic_skus: Azure: addresses and balancers of the retired Basic SKU can still be made.
    """

    read_lag: float = 0.0
    passing: float = 0.0
    limits: bool = False
    buckets: Mapping[str, Path] = field(default_factory=dict)
    templates: Mapping[str, Path] = field(default_factory=dict)
    basic_skus: bool = False


@dataclass(frozen=True)
class Order:
    """A whole lab.

    Parameters:
        routers: How many factory-fresh controllers to boot outside any cloud.
        pace: "normal" or "fast".
        seed: Of all that happens by chance.
        packets: Whether the networks carry packets.
        habits: What the clouds are like.
    """

    routers: int = 0
    pace: str = "normal"
    seed: int = 0
    packets: bool = False
    habits: Habits = field(default_factory=Habits)

    def words(self) -> list[str]:
        """The options of `trunkline lab up` that ask for the same, from any directory."""
        habits = self.habits
        words = ["--routers", str(self.routers), "--pace", self.pace, "--seed", str(self.seed)]
        words += ["--read-lag", str(habits.read_lag), "--passing", str(habits.passing)]
        words += ["--packets"] * self.packets
        words += ["--limits"] * habits.limits + ["--basic-skus"] * habits.basic_skus
        for option, folders in (("--bucket", habits.buckets), ("--templates", habits.templates)):
            for name, folder in folders.items():
                words += [option, f"{name}={folder.resolve()}"]
        return words
