"""Every error code that the lab's clouds say has a row in docs/reference/lab-errors.md, with where it was read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Folder, the calls that say a code, and the heading of its table.
FACES = [
    ("src/trunkline_lab/aws/rules", {"Refused", "Kind", "_Count"}, "EC2"),
    ("src/trunkline_lab/azure", {"ArmError", "invalid_request", "refuse_used"}, "Azure"),
]
CODE = re.compile(r"(?!Describe)[A-Z][A-Za-z0-9]{5,}(\.[A-Z][A-Za-z]+)?")


def said(source: str, calls: set[str]) -> Iterator[str]:
    """The codes among the literal arguments of the calls that say one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in calls:
            kind = getattr(node.func, "id", None) == "Kind"  # its second and third arguments are names of members
            for argument in node.args[5:] if kind else node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield from [argument.value] if CODE.fullmatch(argument.value) else []


def table(heading: str) -> dict[str, str]:
    """Code -> source."""
    text = (ROOT / "docs/reference/lab-errors.md").read_text()
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| ([A-Z][\w.]+) \| (.+) \|$", section, re.M))


@pytest.mark.parametrize(("folder", "calls", "heading"), FACES, ids=[face[2] for face in FACES])
def test_each_code_has_a_row_with_a_source(folder: str, calls: set[str], heading: str) -> None:
    found = {code for path in (ROOT / folder).rglob("*.py") for code in said(path.read_text(), calls)}
    rows = table(heading)
    assert len(found) > 50
    assert sorted(found - set(rows)) == []


@pytest.mark.parametrize(("folder", "calls", "heading"), FACES, ids=[face[2] for face in FACES])
def test_no_row_outlives_its_code(folder: str, calls: set[str], heading: str) -> None:
    text = "\n".join(path.read_text() for path in (ROOT / folder).rglob("*.py"))
    assert [code for code in table(heading) if f'"{code}"' not in text] == []


def test_a_new_code_is_seen() -> None:
    assert set(said('raise ArmError(400, "BrandNewCode", "words")', {"ArmError"})) == {"BrandNewCode"}
    assert set(said('Kind("DescribeX", "Xs", "XId", "XIds", "x", "InvalidX.NotFound", "no")', {"Kind"})) == {
        "InvalidX.NotFound"
    }


def test_the_counts_are_true() -> None:
    rows = table("Azure")
    open_ = sum(source.startswith("not verified") for source in rows.values())
    text = (ROOT / "docs/reference/lab-errors.md").read_text()
    assert f"{len(rows)} codes, {len(rows) - open_} with a source, {open_} not verified" in text
    ec2 = table("EC2")
    unseen = sum("not looked up there again" in source for source in ec2.values())
    assert unseen == 2
    assert f"{len(ec2)} codes, all but the two whose rows say so seen in Amazon's list" in text
