"""Names that every cloud shares: state keys from template names, and stack names from a step's own."""

from __future__ import annotations

import hashlib
import re

from trunkline._core.fields import Kind

# A word begins at a capital that follows a small letter or digit (VpcCidr, Router1Address), and at the last
# capital of a run of capitals before a small letter (VPCId). Digits stay glued to the word before them.
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def state_key(name: str) -> str:
    """The state key of a template's parameter or output.

    `VpcCidr` and `vpcCidr` give `vpc_cidr`, `AppSubnet1Cidr` gives `app_subnet1_cidr`, `VPCId` gives `vpc_id`.

    Parameters:
        name: A parameter's or output's name in CamelCase or camelCase.
    """
    return _BOUNDARY.sub("_", name).lower().replace("-", "_")


def slug(*parts: str, allowed: str, longest: int) -> str:
    """A provider's name made of `parts` joined by hyphens: the same parts always give the same name.

    Characters outside `allowed` become a hyphen. Whenever that, or cutting to length, loses something, eight
    characters of a hash of the parts are appended, so that different parts never share one name.

    Parameters:
        parts: For example the run's name and the step's path.
        allowed: What the provider accepts, as the inside of a regular expression's character class ("A-Za-z0-9").
        longest: The provider's limit in characters, at least 16.
    """
    text = "-".join(parts)
    name = re.sub(rf"[^{allowed}]+", "-", text).strip("-")
    # With a hyphen inside a part, ("a", "b-c") and ("a", "b", "c") would meet.
    if name == text and len(name) <= longest and not any("-" in part for part in parts):
        return name
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    return f"{name[: longest - 9].rstrip('-')}-{digest}".lstrip("-")


# What a name's ending says about its value. A NamePrefix is text, and an EmailAddress is no place in a network.
_ENDINGS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"Cidrs\d*$"), "cidrs"),
    (re.compile(r"Cidr\d*$"), "cidr"),
    (re.compile(r"(?<![Nn]ame)Prefix\d*$"), "cidr"),
    (re.compile(r"(?<![Mm]ail)(?<![Mm]ac)Addresses\d*$"), "addresses"),
    (re.compile(r"(?<![Mm]ail)(?<![Mm]ac)Address\d*$"), "address"),
)


def kind_of(name: str) -> Kind:
    """The kind of value that a text parameter or output of this name has, by the name's ending.

    `VpcCidr` is a `cidr`, `FederationAddress1` an `address`, `CallerPrefix` a `cidr`; anything else is `str`.

    Parameters:
        name: A parameter's or output's name in CamelCase or camelCase.
    """
    return next((kind for ending, kind in _ENDINGS if ending.search(name)), "str")
